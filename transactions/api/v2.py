"""What version 2 says differently: one shape for a balance, now or then, and money as one value."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import fields
from core.api import caller
from core.openapi import problems
from transactions import constants, selectors
from transactions.api import queries
from transactions.models import LedgerAccount


class MoneyOutput(serializers.Serializer[Any]):
    """An amount of minor units and what they are units of."""

    amount = fields.StrictIntegerField(minimum=-fields.INT64_MAX)
    asset = serializers.CharField()


class BalanceV2Output(serializers.Serializer[Any]):
    """A balance at an instant, or now; what is only known now is null at an instant."""

    account = fields.StrictUUIDField()
    at = fields.InstantField(allow_null=True)
    clock = serializers.ChoiceField(choices=["recorded", "effective"])
    posted = MoneyOutput()
    available = MoneyOutput(allow_null=True, help_text="Spendable now; null: without bound.")
    held_out = MoneyOutput(allow_null=True)
    held_in = MoneyOutput(allow_null=True)
    entry_seq = fields.StrictIntegerField(
        allow_null=True, help_text="Number of the account's newest entry."
    )


class BalanceV2View(APIView):
    """How much is, or was, there."""

    scopes: ClassVar = {"GET": constants.LEDGER_READ}

    @extend_schema(
        operation_id="ledger_account_balance",
        summary="Show a balance",
        description=(
            "Now, or with `at` at any instant: by the clock of recording (what the ledger knew "
            "then) or by the clock of effect (what was true then, as known now)."
        ),
        tags=["ledger-accounts"],
        parameters=[
            OpenApiParameter("at", dt.datetime, description="RFC 3339."),
            OpenApiParameter("clock", str, enum=["recorded", "effective"]),
        ],
        responses={200: BalanceV2Output, **problems(400, 401, 404, 406)},
        examples=[
            OpenApiExample(
                "Now",
                value={
                    "account": "01a1fc61-0203-703c-973a-a31d52667ef1",
                    "at": None,
                    "clock": "recorded",
                    "posted": {"amount": 8750, "asset": "USD"},
                    "available": {"amount": 8750, "asset": "USD"},
                    "held_out": {"amount": 0, "asset": "USD"},
                    "held_in": {"amount": 0, "asset": "USD"},
                    "entry_seq": 18,
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        asked = queries.known(request, "at", "clock")
        account = selectors.get_ledger_account(account_id=account_id, actor=caller(request))
        at, by = queries.instant(asked, "at"), queries.which_clock(asked)
        if at is None:
            return Response(BalanceV2Output(_now(account)).data)
        posted = selectors.balance_at(account, at, by=by)
        return Response(BalanceV2Output(_balance(account, posted, at=at, clock=by)).data)


def _now(account: LedgerAccount) -> dict[str, Any]:
    row = account.balance
    spendable = None if row.floor is None else row.posted - row.held_out - row.floor
    return {
        **_balance(account, row.posted, at=None, clock="recorded"),
        "available": _money(account, spendable),
        "held_out": _money(account, row.held_out),
        "held_in": _money(account, row.held_in),
        "entry_seq": row.entry_seq,
    }


def _balance(
    account: LedgerAccount, posted: int, *, at: dt.datetime | None, clock: str
) -> dict[str, Any]:
    unknown_then = dict.fromkeys(("available", "held_out", "held_in", "entry_seq"))
    return {
        "account": account.pk,
        "at": at,
        "clock": clock,
        "posted": _money(account, posted),
        **unknown_then,
    }


def _money(account: LedgerAccount, amount: int | None) -> dict[str, Any] | None:
    return None if amount is None else {"amount": amount, "asset": account.asset_id}


urlpatterns = [
    path("ledger-accounts/<uuid:account_id>/balance/", BalanceV2View.as_view(), name="balance"),
]
