"""Money moving, and the paper about it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock, contract, errors, idempotency
from core.api import caller, given, listed
from core.openapi import IDEMPOTENCY_KEY_REQUIRED, PAGE_PARAMETERS, problems
from core.pagination import PageRequest
from core.renderers import LIST_RENDERERS, csv_stream
from transactions import constants, selectors, services
from transactions.api import examples, queries, rendering
from transactions.api import serializers as shapes
from transactions.api.drafts import drafts_of
from transactions.api.statements import CSV_HEADER, csv_row, statement_page


class TransactionsView(APIView):
    """Money moving."""

    limited_as: ClassVar = {"POST": "money"}
    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.TRANSACTIONS_READ, "POST": constants.TRANSACTIONS_WRITE}

    @extend_schema(
        operation_id="transactions_list",
        summary="List transactions",
        description="Those touching one's own accounts, newest first; staff see all.",
        tags=["transactions"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("account", uuid.UUID, description="Ledger account id."),
            OpenApiParameter("reference", str),
            *[OpenApiParameter(name, str) for name in queries.METADATA],
        ],
        responses={200: shapes.TransactionPage, **problems(400, 401, 404)},
        examples=[examples.TRANSACTIONS],
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = queries.known(request, "account", "reference", *queries.METADATA)
        account = None
        if "account" in asked:
            account = selectors.get_ledger_account(
                account_id=queries.identifier(asked["account"], "account"), actor=caller(request)
            )
        return listed(
            request,
            scope=f"transactions:{account.pk if account else ''}:{queries.metadata(asked)}",
            fetch=lambda page: selectors.transactions(
                actor=caller(request),
                asked=page,
                account=account,
                reference=queries.reference(asked),
                metadata=queries.metadata(asked),
            ),
            shape=shapes.TransactionSummary,
        )

    @extend_schema(
        summary="Post a transaction",
        description=(
            "Moves money, all postings or none. An ordinary caller takes from accounts of "
            "their own. With the same Idempotency-Key it happens once, however often it is sent."
        ),
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=shapes.TransactionInput,
        responses={201: shapes.TransactionOutput, **problems(400, 401, 404, 409, 413, 422, 503)},
        examples=[examples.NEW_TRANSACTION, examples.TRANSACTION],
    )
    def post(self, request: Request) -> Response:
        identity = idempotency.from_request(request, required=True)
        wanted = given(shapes.TransactionInput, request)
        ledger = wanted["ledger"]
        (draft,) = drafts_of([wanted], ledger=ledger, actor=caller(request))
        posted = services.post_transaction(
            draft=draft,
            ledger_id=selectors.ledger_id(ledger),
            actor=caller(request),
            identity=identity,
        )
        headers = {"Location": f"/api/v1/transactions/{posted.id}/"}
        if posted.is_replay:
            headers[idempotency.REPLAYED_HEADER] = "true"
        return Response(
            rendering.posted(draft, posted, ledger),
            status=status.HTTP_201_CREATED,
            headers=headers,
        )


class ValidateView(APIView):
    """What would happen."""

    stays_in_read_only = {"POST"}
    scopes = {"POST": constants.TRANSACTIONS_WRITE}

    @extend_schema(
        summary="Try a transaction",
        description=(
            "Answers what posting would answer now, balances after it included, or its refusal. "
            "Nothing is kept; the id stays unknown."
        ),
        tags=["transactions"],
        request=shapes.TransactionInput,
        responses={200: shapes.TransactionOutput, **problems(400, 401, 404, 409, 422, 503)},
        examples=[examples.NEW_TRANSACTION, examples.TRANSACTION],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.TransactionInput, request)
        ledger = wanted["ledger"]
        (draft,) = drafts_of([wanted], ledger=ledger, actor=caller(request))
        posted = services.validate_transaction(
            draft=draft,
            ledger_id=selectors.ledger_id(ledger),
            actor=caller(request),
        )
        return Response({**rendering.posted(draft, posted, ledger), "status": "valid"})


class TransactionView(APIView):
    """One transaction."""

    scopes = {"GET": constants.TRANSACTIONS_READ}

    @extend_schema(
        summary="Show a transaction",
        tags=["transactions"],
        responses={200: shapes.TransactionOutput, **problems(401, 404)},
        examples=[examples.TRANSACTION],
    )
    def get(self, request: Request, transaction_id: uuid.UUID) -> Response:
        row, entries = selectors.get_transaction(
            transaction_id=transaction_id, actor=caller(request)
        )
        reversed_by = selectors.reversals_of(transaction_id)
        return Response(rendering.transaction(row, entries, reversed_by=reversed_by))


class StatementView(APIView):
    """An account's statement."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.LEDGER_READ}

    @extend_schema(
        summary="Show a statement",
        description=(
            "Opening balance, lines and closing balance in [from, to). JSON comes in pages; "
            "`Accept: text/csv` or `?format=csv` streams all lines."
        ),
        tags=["ledger-accounts"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("from", dt.datetime, description="RFC 3339; default: the beginning."),
            OpenApiParameter("to", dt.datetime, description="RFC 3339; default: now."),
            OpenApiParameter("clock", str, enum=["recorded", "effective"]),
        ],
        responses={
            (200, "application/json"): shapes.StatementOutput,
            (200, "application/msgpack"): shapes.StatementOutput,
            (200, "text/csv"): str,
            **problems(400, 401, 404, 406),
        },
        examples=[examples.STATEMENT],
    )
    def get(self, request: Request, account_id: uuid.UUID) -> HttpResponseBase:
        asked = queries.known(request, "from", "to", "clock")
        account = selectors.get_ledger_account(account_id=account_id, actor=caller(request))
        since, until = queries.period(asked)
        by = queries.which_clock(asked)
        if request.accepted_renderer.format == "csv":
            if contract.chosen_fields(request):
                detail = "fields is for JSON: the CSV has columns of its own."
                fault = {"pointer": "?fields", "code": "VALIDATION_FIELD_CONFLICT"}
                raise errors.FilterUnknown(detail, errors=[{**fault, "detail": detail}])
            lines = selectors.statement_stream(account, since=since, until=until, by=by)
            return csv_stream(
                filename=f"statement-{account.code}-{clock.now():%Y%m%d}.csv".replace(":", "-"),
                header=CSV_HEADER,
                rows=(csv_row(line, account.asset_id) for line in lines),
            )
        page = PageRequest(request, scope=f"statement:{account_id}")
        return Response(statement_page(account, page, since=since, until=until, by=by))
