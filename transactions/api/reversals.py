"""Giving money back."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from typing_extensions import override

from core import fields
from core.api import answer_once, caller, given
from core.openapi import IDEMPOTENCY_KEY_REQUIRED, problems
from transactions import constants, selectors, services
from transactions.api import examples, rendering
from transactions.api.serializers import TransactionOutput


class ReversedPostingInput(fields.StrictSerializer):
    """How much of one posting to give back."""

    posting = fields.StrictIntegerField(
        maximum=constants.POSTINGS_MAX - 1, help_text="Its index in `postings` of the original."
    )
    amount = fields.AmountField(minimum=1, help_text="Minor units.")


class ReversalInput(fields.StrictSerializer):
    """What to give back and why: everything that is left, unless amounts are named."""

    reason = fields.StrictTextField(max_length=constants.REASON_LENGTH_MAX)
    amount = fields.AmountField(
        minimum=1, required=False, help_text="Minor units, for an original with one posting."
    )
    postings = fields.StrictListField(
        child=ReversedPostingInput(),
        min_length=1,
        max_length=constants.POSTINGS_MAX,
        required=False,
        help_text="Amounts by posting, each named once.",
    )
    reference = fields.StrictTextField(max_length=constants.REFERENCE_LENGTH_MAX, required=False)
    effective_at = fields.InstantField(required=False)

    @override
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [part["posting"] for part in attrs.get("postings", ())]
        if "amount" in attrs and named:
            raise serializers.ValidationError(
                {"amount": "Send amount or postings, not both."}, code="field_conflict"
            )
        if len(set(named)) < len(named):
            raise serializers.ValidationError(
                {"postings": "Name each posting once."}, code="field_conflict"
            )
        return attrs


class ReverseView(APIView):
    """The opposite of a transaction."""

    limited_as: ClassVar = {"POST": "money"}
    scopes: ClassVar = {"POST": constants.TRANSACTIONS_REVERSE}

    @extend_schema(
        summary="Reverse a transaction",
        description=(
            "Posts the opposite of a transaction or of parts of it, never more than was moved. "
            "Who received the money may, and staff. Asks for a fresh login."
        ),
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=ReversalInput,
        responses={201: TransactionOutput, **problems(400, 401, 403, 404, 409, 422, 503)},
        examples=[
            examples.sent("A part", {"reason": "One of two came back.", "amount": 500}),
            examples.shown(
                "Given back",
                {
                    **examples.POSTED,
                    "kind": "reversal",
                    "reference": None,
                    "description": "One of two came back.",
                    "metadata": {},
                    "reverses": examples.ID,
                },
            ),
        ],
    )
    def post(self, request: Request, transaction_id: uuid.UUID) -> Response:
        wanted = given(ReversalInput, request)
        return answer_once(
            request, lambda: _reversed(transaction_id, wanted, request), key_required=True
        )


def _reversed(
    transaction_id: uuid.UUID, wanted: dict[str, Any], request: Request
) -> dict[str, Any]:
    original, entries = selectors.get_transaction(
        transaction_id=transaction_id, actor=caller(request)
    )
    posted, draft = services.reverse_transaction(
        transaction_id=transaction_id,
        reversal=services.Reversal(
            reason=wanted["reason"],
            amounts_minor=_amounts(wanted, postings=len(entries) // 2),
            reference=wanted.get("reference"),
            effective_at=wanted.get("effective_at"),
        ),
        actor=caller(request),
    )
    return rendering.posted(draft, posted, original.ledger.code, kind=constants.KIND_REVERSAL)


def _amounts(wanted: dict[str, Any], *, postings: int) -> dict[int, int] | None:
    if "amount" in wanted:
        # Of several postings the amount names none: an index beyond the last is refused below.
        return {0 if postings == 1 else postings: wanted["amount"]}
    if "postings" in wanted:
        return {part["posting"]: part["amount"] for part in wanted["postings"]}
    return None
