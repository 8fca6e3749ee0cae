"""Sums over whole books."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from core import clock, errors, fields
from core.api import caller, listed_whole
from core.openapi import problems
from core.renderers import LIST_RENDERERS
from transactions import constants, selectors
from transactions.api import queries

EXAMPLE = OpenApiExample(
    "One purse, filled from outside",
    value={
        "ledger": "main",
        "at": "2026-12-01T00:00:00.000000Z",
        "clock": "effective",
        "items": [
            {"asset": "USD", "type": "equity", "accounts": 1, "debit": 10000, "credit": 0},
            {"asset": "USD", "type": "liability", "accounts": 1, "debit": 0, "credit": 10000},
        ],
        "totals": [{"asset": "USD", "debit": 10000, "credit": 10000, "balances": True}],
    },
    response_only=True,
)


class TrialLineOutput(serializers.Serializer[Any]):
    """The accounts of one type in one asset."""

    asset = serializers.CharField()
    type = serializers.CharField()
    accounts = fields.StrictIntegerField()
    debit = fields.StrictIntegerField(help_text="Sum of the balances below zero, without sign.")
    credit = fields.StrictIntegerField(help_text="Sum of the balances above zero.")


class TrialTotalOutput(serializers.Serializer[Any]):
    """All accounts in one asset."""

    asset = serializers.CharField()
    debit = fields.StrictIntegerField()
    credit = fields.StrictIntegerField()
    balances = serializers.BooleanField(help_text="Whether debit equals credit, as it must.")


class TrialBalanceOutput(serializers.Serializer[Any]):
    """A trial balance."""

    ledger = serializers.CharField()
    at = fields.InstantField()
    clock = serializers.CharField()
    items = TrialLineOutput(many=True)
    totals = TrialTotalOutput(many=True)


class TrialBalanceView(APIView):
    """Does a book balance?"""

    renderer_classes = LIST_RENDERERS
    scopes: ClassVar = {"GET": constants.REPORTS_READ}

    @extend_schema(
        operation_id="trial_balance_show",
        summary="Show a trial balance",
        description=(
            "For staff. The balances of all accounts of a ledger before an instant, summed by "
            "asset and type; in each asset the debits equal the credits. As CSV the items alone."
        ),
        tags=["ledgers"],
        parameters=[
            OpenApiParameter("ledger", str, description="Default: main."),
            OpenApiParameter("at", dt.datetime, description="RFC 3339; default: now."),
            OpenApiParameter("clock", str, enum=["recorded", "effective"]),
        ],
        responses={200: TrialBalanceOutput, **problems(400, 401, 403, 404, 409, 422)},
        examples=[EXAMPLE],
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = queries.known(request, "ledger", "at", "clock")
        code = asked.get("ledger", constants.DEFAULT_LEDGER)
        if not fields.is_safe_text(code):
            raise errors.FilterUnknown("ledger must not hold control characters.")
        at, by = queries.instant(asked, "at") or clock.now(), queries.which_clock(asked)
        lines = selectors.trial_balance(
            ledger=selectors.get_ledger(code), at=at, by=by, actor=caller(request)
        )
        return listed_whole(
            request,
            name="trial-balance",
            rows=map(_line, lines),
            shape=TrialLineOutput,
            beside={
                "ledger": code,
                "at": clock.as_rfc3339(at),
                "clock": by,
                "totals": _totals(lines),
            },
        )


def _line(line: selectors.TrialLine) -> dict[str, Any]:
    return {
        "asset": line.asset,
        "type": line.type,
        "accounts": line.accounts,
        "debit": line.debit,
        "credit": line.credit,
    }


def _totals(lines: list[selectors.TrialLine]) -> list[dict[str, Any]]:
    totals = []
    for asset in sorted({line.asset for line in lines}):
        debit = sum(line.debit for line in lines if line.asset == asset)
        credit = sum(line.credit for line in lines if line.asset == asset)
        totals.append(
            {"asset": asset, "debit": debit, "credit": credit, "balances": debit == credit}
        )
    return totals
