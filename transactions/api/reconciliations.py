"""A bank's statement beside ours."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import errors, fields
from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY, PAGE_PARAMETERS, problems
from core.parsers import CSVParser
from core.renderers import LIST_RENDERERS
from transactions import constants, selectors, services
from transactions.api import examples, queries
from transactions.api.serializers import LIMIT_MAX
from transactions.models import Reconciliation, ReconciliationLine


class ReconciliationOutput(serializers.Serializer[Reconciliation]):
    """How a statement compared."""

    id = fields.StrictUUIDField()
    account = fields.StrictUUIDField(source="account_id")
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    days_apart = fields.StrictIntegerField(source="days_apart_max")
    file_sha256 = serializers.CharField()
    matched = fields.StrictIntegerField(help_text="Lines that both say.")
    unexpected = fields.StrictIntegerField(help_text="Lines that only the bank says.")
    missing = fields.StrictIntegerField(help_text="Entries that only we say.")
    created_at = fields.InstantField()


class ReconciliationLineOutput(serializers.Serializer[ReconciliationLine]):
    """One line."""

    id = fields.StrictUUIDField()
    state = serializers.CharField()
    rule = serializers.CharField(
        allow_blank=True, help_text="What paired it: reference, or amount and date."
    )
    day = serializers.DateField()
    amount = fields.StrictIntegerField(minimum=-LIMIT_MAX)
    reference = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    transaction = fields.StrictUUIDField(source="transaction_id", allow_null=True)
    account_seq = fields.StrictIntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    resolved_at = fields.InstantField(allow_null=True)


class ReconciliationPage(serializers.Serializer[Any]):
    """Some reconciliations, newest first."""

    items = ReconciliationOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ReconciliationLinePage(serializers.Serializer[Any]):
    """Some lines, the bank's first."""

    items = ReconciliationLineOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class ReconciliationResolveInput(fields.StrictSerializer):
    """Why a difference is settled."""

    reason = fields.StrictTextField(max_length=constants.REASON_LENGTH_MAX)


_RECONCILIATION: dict[str, Any] = {
    "id": examples.ID,
    "account": examples.PURSE,
    "first_day": "2026-11-01",
    "last_day": "2026-11-30",
    "days_apart": 2,
    "file_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "matched": 41,
    "unexpected": 1,
    "missing": 0,
    "created_at": examples.AT,
}
_LINE: dict[str, Any] = {
    "id": examples.ID,
    "state": "unexpected",
    "rule": "",
    "day": "2026-11-20",
    "amount": -250,
    "reference": "",
    "description": "account fee",
    "transaction": None,
    "account_seq": None,
    "reason": "",
    "resolved_at": None,
}
_UPLOAD = OpenApiExample(
    "A statement",
    value="date,amount_minor,reference,description\n2026-11-20,-250,,account fee\n",
    media_type="text/csv",
    request_only=True,
)


class ReconciliationsView(APIView):
    """Compared statements."""

    renderer_classes = LIST_RENDERERS
    parser_classes = [CSVParser]
    scopes: ClassVar = {
        "GET": constants.RECONCILIATIONS_READ,
        "POST": constants.RECONCILIATIONS_WRITE,
    }

    @extend_schema(
        operation_id="reconciliations_list",
        summary="List reconciliations",
        description="For staff, newest first.",
        tags=["reconciliations"],
        parameters=PAGE_PARAMETERS,
        responses={200: ReconciliationPage, **problems(400, 401, 403)},
        examples=[examples.shown("One month", examples.page_of(_RECONCILIATION))],
    )
    def get(self, request: Request) -> HttpResponseBase:
        queries.known(request)
        return listed(
            request,
            scope="reconciliations",
            fetch=lambda asked: selectors.reconciliations(actor=caller(request), asked=asked),
            shape=ReconciliationOutput,
        )

    @extend_schema(
        operation_id="reconciliations_create",
        summary="Reconcile a bank statement",
        description=(
            "For staff. The body is CSV with the columns date, amount_minor (signed, from the "
            "account's point of view), reference and description; the last two are optional. "
            "Lines pair with entries of the same reference and amount, then with those of the "
            "same amount at most `days_apart` days away."
        ),
        tags=["reconciliations"],
        parameters=[
            IDEMPOTENCY_KEY,
            OpenApiParameter("account", uuid.UUID, required=True, description="Ledger account id."),
            OpenApiParameter("from", dt.date, required=True, description="First day."),
            OpenApiParameter("to", dt.date, required=True, description="Last day."),
            OpenApiParameter(
                "days_apart",
                {"type": "integer", "minimum": 0, "maximum": constants.DAYS_APART_MAX},
                default=constants.DAYS_APART_DEFAULT,
            ),
        ],
        request={"text/csv": str},
        responses={
            201: ReconciliationOutput,
            **problems(400, 401, 403, 404, 409, 413, 415, 422),
        },
        examples=[_UPLOAD, examples.shown("Compared", _RECONCILIATION)],
    )
    def post(self, request: Request) -> Response:
        asked = queries.known(request, "account", "from", "to", "days_apart")
        first_day, last_day = queries.days(asked)
        days_apart = queries.days_apart(asked)
        account = selectors.get_ledger_account(
            account_id=queries.identifier(asked.get("account", ""), "account"),
            actor=caller(request),
        )
        body = request.data
        if not isinstance(body, dict) or "csv" not in body:
            raise errors.BodyRequired("Send the statement as CSV.")
        return answer_once(
            request,
            lambda: dict(
                ReconciliationOutput(
                    services.reconcile(
                        account=account,
                        text=body["csv"],
                        first_day=first_day,
                        last_day=last_day,
                        days_apart_max=days_apart,
                        actor=caller(request),
                    )
                ).data
            ),
        )


class ReconciliationView(APIView):
    """One compared statement."""

    scopes: ClassVar = {"GET": constants.RECONCILIATIONS_READ}

    @extend_schema(
        operation_id="reconciliations_retrieve",
        summary="Show a reconciliation",
        tags=["reconciliations"],
        responses={200: ReconciliationOutput, **problems(401, 404)},
        examples=[examples.shown("Compared", _RECONCILIATION)],
    )
    def get(self, request: Request, reconciliation_id: uuid.UUID) -> Response:
        found = selectors.get_reconciliation(
            reconciliation_id=reconciliation_id, actor=caller(request)
        )
        return Response(ReconciliationOutput(found).data)


class ReconciliationLinesView(APIView):
    """The report: line by line."""

    renderer_classes = LIST_RENDERERS
    scopes: ClassVar = {"GET": constants.RECONCILIATIONS_READ}

    @extend_schema(
        operation_id="reconciliation_lines_list",
        summary="List the lines of a reconciliation",
        tags=["reconciliations"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=constants.RECONCILIATION_STATES),
        ],
        responses={200: ReconciliationLinePage, **problems(400, 401, 404)},
        examples=[examples.shown("A fee nobody posted", examples.page_of(_LINE))],
    )
    def get(self, request: Request, reconciliation_id: uuid.UUID) -> HttpResponseBase:
        state = queries.one_of(
            queries.known(request, "state"), "state", constants.RECONCILIATION_STATES
        )
        found = selectors.get_reconciliation(
            reconciliation_id=reconciliation_id, actor=caller(request)
        )
        return listed(
            request,
            scope=f"reconciliation:{found.pk}:{state or ''}",
            fetch=lambda asked: selectors.reconciliation_lines(
                reconciliation=found, asked=asked, state=state
            ),
            shape=ReconciliationLineOutput,
        )


class ResolveView(APIView):
    """The end of a difference."""

    scopes: ClassVar = {"POST": constants.RECONCILIATIONS_WRITE}

    @extend_schema(
        operation_id="reconciliation_lines_resolve",
        summary="Resolve a line",
        description="Settles an unexpected or missing line with a reason. No money moves.",
        tags=["reconciliations"],
        parameters=[IDEMPOTENCY_KEY],
        request=ReconciliationResolveInput,
        responses={200: ReconciliationLineOutput, **problems(400, 401, 403, 404, 409)},
        examples=[
            examples.sent("A fee", {"reason": "Fee of November, posted as fee-2026-11."}),
            examples.shown(
                "Resolved",
                {
                    **_LINE,
                    "reason": "Fee of November, posted as fee-2026-11.",
                    "resolved_at": examples.AT,
                },
            ),
        ],
    )
    def post(self, request: Request, reconciliation_id: uuid.UUID, line_id: uuid.UUID) -> Response:
        wanted = given(ReconciliationResolveInput, request)
        found = selectors.get_reconciliation(
            reconciliation_id=reconciliation_id, actor=caller(request)
        )
        return answer_once(
            request,
            lambda: dict(
                ReconciliationLineOutput(
                    services.resolve_line(
                        reconciliation=found,
                        line_id=line_id,
                        reason=wanted["reason"],
                        actor=caller(request),
                    )
                ).data
            ),
            status=200,
        )
