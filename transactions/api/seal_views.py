"""Evidence that history is what it was."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from typing_extensions import override

from core import clock, fields
from core.api import caller, given
from core.openapi import problems
from transactions import constants, selectors, verification

SEALS_AT_ONCE_MAX = 100
_HASH = "5f0c2b7a4c5e1a7f3f0e9a8c55c1d2b6a4e8f1907c3d2e5b6a798f0e1d2c3b4a"
HEAD = OpenApiExample(
    "The newest seal",
    value={
        "number": 42,
        "transactions": 1000,
        "hash": _HASH,
        "sealed_at": "2026-11-20T10:00:00.000000Z",
    },
    response_only=True,
)
VERIFY = OpenApiExample("From the beginning", value={"from": 1}, request_only=True)
VERIFIED = OpenApiExample(
    "One row was altered",
    value={
        "seals": 42,
        "transactions": 41250,
        "last_seal": 42,
        "clean": False,
        "faults": [
            {
                "seal": 17,
                "transaction": "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32",
                "what": "the transaction was altered",
            }
        ],
    },
    response_only=True,
)


class SealOutput(serializers.Serializer[Any]):
    """A seal."""

    number = fields.StrictIntegerField()
    transactions = fields.StrictIntegerField()
    hash = serializers.CharField(help_text="SHA-256 in hexadecimal; see docs/seals.md.")
    sealed_at = fields.InstantField()


class VerifyInput(fields.StrictSerializer):
    """Where to begin."""

    @override
    def get_fields(self) -> dict[str, Any]:
        return {
            "from": fields.StrictIntegerField(minimum=1, required=False, default=1),
            "seals": fields.StrictIntegerField(
                minimum=1,
                maximum=SEALS_AT_ONCE_MAX,
                required=False,
                default=SEALS_AT_ONCE_MAX,
            ),
        }


class SealFaultOutput(serializers.Serializer[Any]):
    """What is wrong."""

    seal = fields.StrictIntegerField()
    transaction = fields.StrictUUIDField(allow_null=True)
    what = serializers.CharField()


class VerifyOutput(serializers.Serializer[Any]):
    """What was looked at."""

    seals = fields.StrictIntegerField()
    transactions = fields.StrictIntegerField()
    last_seal = fields.StrictIntegerField(help_text="Go on after this one.")
    clean = serializers.BooleanField()
    faults = SealFaultOutput(many=True)


class SealHeadView(APIView):
    """The end of the chain."""

    scopes: ClassVar = {"GET": constants.REPORTS_READ}

    @extend_schema(
        summary="Show the newest seal",
        description="For staff. Keep a copy of the hash where the database cannot reach it.",
        tags=["seals"],
        responses={200: SealOutput, **problems(401, 403, 404)},
        examples=[HEAD],
    )
    def get(self, request: Request) -> Response:
        head = selectors.head_seal(actor=caller(request))
        return Response(
            {
                "number": head.number,
                "transactions": head.transactions,
                "hash": bytes(head.hash).hex(),
                "sealed_at": clock.as_rfc3339(head.sealed_at),
            }
        )


class SealVerifyView(APIView):
    """A stretch of the chain, hashed again."""

    stays_in_read_only = {"POST"}
    scopes: ClassVar = {"POST": constants.REPORTS_READ}

    @extend_schema(
        summary="Verify seals",
        description=(
            "For staff. Hashes the transactions of up to 100 seals again and names what was "
            "altered, the first one first. `manage.py ledger_verify --seals` checks all of them."
        ),
        tags=["seals"],
        request=VerifyInput,
        responses={200: VerifyOutput, **problems(400, 401, 403, 404)},
        examples=[VERIFY, VERIFIED],
    )
    def post(self, request: Request) -> Response:
        selectors.head_seal(actor=caller(request))
        wanted = given(VerifyInput, request)
        report = verification.verify_seals(first=wanted["from"], seals_max=wanted["seals"])
        return Response(
            {
                "seals": report.seals,
                "transactions": report.transactions,
                "last_seal": report.last_seal,
                "clean": not report.faults,
                "faults": [
                    {
                        "seal": fault.seal,
                        "transaction": fault.transaction_id and str(fault.transaction_id),
                        "what": fault.what,
                    }
                    for fault in report.faults
                ],
            }
        )
