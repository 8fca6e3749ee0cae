"""Ledgers, assets, accounts: the places money is."""

from __future__ import annotations

import datetime as dt
import uuid

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import cached, clock, etags
from core.api import answer_once, caller, given, given_if_any, listed, listed_whole
from core.openapi import IDEMPOTENCY_KEY, IF_MATCH, PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from core.versioning import Deprecation
from transactions import constants, selectors, services
from transactions.api import examples, queries, rendering
from transactions.api import serializers as shapes


class LedgersView(APIView):
    """The books."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.LEDGER_READ, "POST": constants.LEDGER_WRITE}

    @extend_schema(
        operation_id="ledgers_list",
        summary="List ledgers",
        tags=["ledgers"],
        responses={200: shapes.LedgerList, **problems(401)},
        examples=[examples.LEDGERS],
    )
    def get(self, request: Request) -> HttpResponseBase:
        rows = [shapes.LedgerOutput(row).data for row in selectors.ledgers()]
        return listed_whole(request, name="ledgers", rows=rows, shape=shapes.LedgerOutput)

    @extend_schema(
        summary="Open a ledger",
        description="Staff only.",
        tags=["ledgers"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.LedgerInput,
        responses={201: shapes.LedgerOutput, **problems(400, 401, 403, 409)},
        examples=[examples.NEW_LEDGER, examples.LEDGER],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.LedgerInput, request)
        return answer_once(
            request,
            lambda: (
                shapes.LedgerOutput(services.create_ledger(**wanted, actor=caller(request))).data
            ),
        )


class AssetsView(APIView):
    """Currencies and custom units."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.LEDGER_READ, "POST": constants.LEDGER_WRITE}

    @extend_schema(
        operation_id="assets_list",
        summary="List assets",
        tags=["assets"],
        responses={200: shapes.AssetList, **problems(401)},
        examples=[examples.ASSETS],
    )
    def get(self, request: Request) -> HttpResponseBase:
        rows = cached.get_or_load(
            "reference",
            "assets",
            owner="assets",
            load=lambda: [dict(shapes.AssetOutput(row).data) for row in selectors.assets()],
        )
        return listed_whole(request, name="assets", rows=rows, shape=shapes.AssetOutput)

    @extend_schema(
        summary="Add a custom asset",
        description="Staff only.",
        tags=["assets"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.AssetInput,
        responses={201: shapes.AssetOutput, **problems(400, 401, 403, 409)},
        examples=[examples.NEW_ASSET, examples.ASSET],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.AssetInput, request)
        return answer_once(
            request,
            lambda: shapes.AssetOutput(services.create_asset(**wanted, actor=caller(request))).data,
        )


class LedgerAccountsView(APIView):
    """Places money is."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.LEDGER_READ, "POST": constants.LEDGER_WRITE}

    @extend_schema(
        operation_id="ledger_accounts_list",
        summary="List ledger accounts",
        description="One's own; staff see everybody's.",
        tags=["ledger-accounts"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("owner", uuid.UUID),
            *[OpenApiParameter(name, str) for name in ("code", "asset", "ledger")],
        ],
        responses={200: shapes.LedgerAccountPage, **problems(400, 401)},
        examples=[examples.ACCOUNTS],
    )
    def get(self, request: Request) -> HttpResponseBase:
        filters = queries.account_filters(
            queries.known(request, "owner", "code", "asset", "ledger")
        )
        return listed(
            request,
            scope="ledger-accounts",
            fetch=lambda asked: selectors.ledger_accounts(
                actor=caller(request), asked=asked, filters=filters
            ),
            shape=shapes.LedgerAccountOutput,
        )

    @extend_schema(
        summary="Open a ledger account",
        tags=["ledger-accounts"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.LedgerAccountInput,
        responses={201: shapes.LedgerAccountOutput, **problems(400, 401, 403, 404, 409)},
        examples=[examples.NEW_ACCOUNT, examples.ACCOUNT],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.LedgerAccountInput, request)
        ledger = selectors.get_ledger(wanted.pop("ledger"))
        asset = selectors.get_asset(wanted.pop("asset"))
        owner_id = wanted.pop("owner", None)
        return answer_once(
            request,
            lambda: (
                shapes.LedgerAccountOutput(
                    services.open_ledger_account(
                        ledger=ledger,
                        asset=asset,
                        owner_id=owner_id,
                        actor=caller(request),
                        **wanted,
                    )
                ).data
            ),
        )


class LedgerAccountView(APIView):
    """One ledger account."""

    scopes = {"GET": constants.LEDGER_READ, "PATCH": constants.LEDGER_WRITE}

    @extend_schema(
        summary="Show a ledger account",
        tags=["ledger-accounts"],
        responses={200: shapes.LedgerAccountOutput, **problems(401, 404)},
        examples=[examples.ACCOUNT],
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        account = selectors.get_ledger_account(account_id=account_id, actor=caller(request))
        return Response(
            shapes.LedgerAccountOutput(account).data,
            headers={"ETag": etags.of_version(account.version)},
        )

    @extend_schema(
        summary="Change a ledger account",
        description="Owners change name and metadata; status and limits take a permission.",
        tags=["ledger-accounts"],
        parameters=[IF_MATCH],
        request=shapes.LedgerAccountChange,
        responses={
            200: shapes.LedgerAccountOutput,
            **problems(400, 401, 403, 404, 409, 412, 422, 428),
        },
        examples=[examples.FREEZE, examples.ACCOUNT],
    )
    def patch(self, request: Request, account_id: uuid.UUID) -> Response:
        version = etags.required_version(request)
        changes = given(shapes.LedgerAccountChange, request)
        account = services.update_ledger_account(
            account=selectors.get_ledger_account(account_id=account_id, actor=caller(request)),
            expected_version=version,
            reason=changes.pop("reason", ""),
            changes=changes,
            actor=caller(request),
        )
        return Response(
            shapes.LedgerAccountOutput(account).data,
            headers={"ETag": etags.of_version(account.version)},
        )


class CloseView(APIView):
    """The end of a ledger account."""

    takes_no_body = {"POST"}
    scopes = {"POST": constants.LEDGER_WRITE}

    @extend_schema(
        summary="Close a ledger account",
        description=(
            "Only at a balance of zero and without holds; it cannot be opened again. The body may "
            "be left out; its reason is kept in the audit trail."
        ),
        tags=["ledger-accounts"],
        request=shapes.CloseInput,
        responses={200: shapes.LedgerAccountOutput, **problems(400, 401, 403, 404, 409)},
        examples=[examples.CLOSE, examples.ACCOUNT],
    )
    def post(self, request: Request, account_id: uuid.UUID) -> Response:
        wanted = given_if_any(shapes.CloseInput, request)
        account = services.close_ledger_account(
            **wanted,
            account=selectors.get_ledger_account(account_id=account_id, actor=caller(request)),
            actor=caller(request),
        )
        return Response(shapes.LedgerAccountOutput(account).data)


class BalanceView(APIView):
    """How much is there."""

    # Two questions, two shapes: version 2 answers both in one.
    deprecation = Deprecation(
        since=dt.date(2026, 11, 21),
        sunset=dt.date(2027, 11, 21),
        successor="/api/v2/ledger-accounts/{account_id}/balance/",
    )
    scopes = {"GET": constants.LEDGER_READ}

    @extend_schema(
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
        responses={200: shapes.BalanceNowOrThen, **problems(400, 401, 404)},
        examples=[examples.BALANCE],
    )
    def get(self, request: Request, account_id: uuid.UUID) -> Response:
        asked = queries.known(request, "at", "clock")
        account = selectors.get_ledger_account(account_id=account_id, actor=caller(request))
        at, by = queries.instant(asked, "at"), queries.which_clock(asked)
        if at is None:
            return Response(rendering.balance(account))
        return Response(
            {
                "account": str(account.pk),
                "asset": account.asset_id,
                "posted": selectors.balance_at(account, at, by=by),
                "at": clock.as_rfc3339(at),
                "clock": by,
            }
        )


class EntriesView(APIView):
    """What happened to an account, line by line."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.LEDGER_READ}

    @extend_schema(
        operation_id="ledger_account_entries_list",
        summary="List an account's entries",
        tags=["ledger-accounts"],
        parameters=PAGE_PARAMETERS,
        responses={200: shapes.EntryPage, **problems(400, 401, 404)},
        examples=[examples.ENTRIES],
    )
    def get(self, request: Request, account_id: uuid.UUID) -> HttpResponseBase:
        queries.known(request)
        account = selectors.get_ledger_account(account_id=account_id, actor=caller(request))
        return listed(
            request,
            scope=f"entries:{account_id}",
            fetch=lambda asked: selectors.entries(account=account, asked=asked),
            shape=shapes.EntryOutput,
        )
