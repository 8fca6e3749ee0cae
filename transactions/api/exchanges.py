"""Exchanging one asset for another."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import fields
from core.api import answer_once, caller, given
from core.openapi import IDEMPOTENCY_KEY_REQUIRED, problems
from transactions import constants, services
from transactions.api import examples, rendering
from transactions.api.serializers import TransactionOutput


class ExchangeInput(fields.StrictSerializer):
    """What to exchange and at which rate."""

    ledger = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, required=False, default=constants.DEFAULT_LEDGER
    )
    source = fields.StrictTextField(  # type: ignore[assignment]  # the API's word
        max_length=constants.CODE_LENGTH_MAX, help_text="Ledger account id, or a code."
    )
    source_asset = fields.StrictTextField(max_length=16, pattern=constants.ASSET_PATTERN)
    destination = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, help_text="Ledger account id, or a code."
    )
    destination_asset = fields.StrictTextField(max_length=16, pattern=constants.ASSET_PATTERN)
    amount = fields.AmountField(minimum=1, help_text="Minor units of the source's asset.")
    rate = fields.StrictIntegerField(
        minimum=1,
        help_text="Units of the destination's asset for one of the source's, times 10^rate_scale.",
    )
    rate_scale = fields.StrictIntegerField(maximum=constants.RATE_SCALE_MAX)
    fee = fields.StrictIntegerField(
        required=False, default=0, help_text="On top, in minor units of the source's asset."
    )
    reference = fields.StrictTextField(max_length=constants.REFERENCE_LENGTH_MAX, required=False)


class ExchangeOutput(serializers.Serializer[Any]):
    """The terms, and the transaction they became."""

    source_amount = fields.StrictIntegerField()
    fee_amount = fields.StrictIntegerField()
    destination_amount = fields.StrictIntegerField()
    rate = fields.StrictIntegerField()
    rate_scale = fields.StrictIntegerField()
    transaction = TransactionOutput()


_TERMS = {
    "source": examples.PURSE,
    "source_asset": "USD",
    "destination": examples.FEES,
    "destination_asset": "EUR",
    "amount": 10000,
    "rate": 92345,
    "rate_scale": 5,
    "fee": 25,
}
_DONE: dict[str, Any] = {
    "source_amount": 10000,
    "fee_amount": 25,
    "destination_amount": 9234,
    "rate": 92345,
    "rate_scale": 5,
    "transaction": {**examples.POSTED, "kind": "exchange"},
}


class ExchangesView(APIView):
    """Exchanges."""

    limited_as: ClassVar = {"POST": "money"}
    scopes: ClassVar = {"POST": constants.EXCHANGES_WRITE}

    @extend_schema(
        summary="Exchange between assets",
        description=(
            "One transaction: the source pays the house's exchange account in its asset, the "
            "house pays the destination in the other; the fee comes on top. The rate is an "
            "integer with a scale: 92345 with scale 5 is 0.92345. Whole minor units, halves to "
            "the even neighbour. The rate is the caller's word: staff and keys that may move any "
            "money."
        ),
        tags=["exchanges"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=ExchangeInput,
        responses={201: ExchangeOutput, **problems(400, 401, 403, 404, 409, 422, 503)},
        examples=[
            examples.sent("Dollars for euros", _TERMS),
            examples.shown("Exchanged", _DONE),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(ExchangeInput, request)
        return answer_once(request, lambda: _exchanged(wanted, request), key_required=True)


def _exchanged(wanted: dict[str, Any], request: Request) -> dict[str, Any]:
    source = wanted["source"], wanted["source_asset"]
    destination = wanted["destination"], wanted["destination_asset"]
    accounts = services.account_ids_of(
        names=[source, destination], ledger_code=wanted["ledger"], actor=caller(request)
    )
    done, posted, draft = services.exchange(
        terms=services.Terms(
            source=accounts[source],
            source_asset=wanted["source_asset"],
            destination=accounts[destination],
            destination_asset=wanted["destination_asset"],
            amount_minor=wanted["amount"],
            rate=wanted["rate"],
            rate_scale=wanted["rate_scale"],
            fee_minor=wanted["fee"],
            reference=wanted.get("reference"),
        ),
        ledger_code=wanted["ledger"],
        actor=caller(request),
    )
    return {
        "source_amount": done.source_amount,
        "fee_amount": done.fee_amount,
        "destination_amount": done.destination_amount,
        "rate": done.rate,
        "rate_scale": done.rate_scale,
        "transaction": rendering.posted(
            draft, posted, wanted["ledger"], kind=constants.KIND_EXCHANGE
        ),
    }
