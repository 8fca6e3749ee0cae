"""Many transactions in one request."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import columns, fields
from core.api import answer_once, caller, given
from core.errors import DomainError
from core.openapi import IDEMPOTENCY_KEY_REQUIRED, problems
from core.principals import Principal
from transactions import constants, errors, selectors, services
from transactions.api import examples
from transactions.api.drafts import drafts_of
from transactions.api.serializers import ExpectationInput, PostingInput


class DraftInput(fields.StrictSerializer):
    """A transaction to be, whenever and beside whatever else."""

    postings = fields.StrictListField(
        child=PostingInput(), min_length=1, max_length=constants.POSTINGS_MAX
    )
    reference = fields.StrictTextField(max_length=constants.REFERENCE_LENGTH_MAX, required=False)
    description = fields.StrictTextField(
        max_length=constants.DESCRIPTION_LENGTH_MAX, required=False
    )
    metadata = fields.MetadataField(required=False)


class BulkItemInput(DraftInput):
    """One transaction of many."""

    effective_at = fields.InstantField(required=False)
    expect = fields.StrictListField(
        child=ExpectationInput(), max_length=constants.EXPECTATIONS_MAX, required=False
    )
    link = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX,
        required=False,
        help_text="Neighbours with the same link succeed or fail together.",
    )


class BulkInput(fields.StrictSerializer):
    """Up to 1,000 transactions, in the order in which they happen."""

    ledger = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, required=False, default=constants.DEFAULT_LEDGER
    )
    atomic = fields.StrictBooleanField(
        required=False, default=True, help_text="All or none; false: each on its own merits."
    )
    items = columns.ColumnListField(
        child=BulkItemInput(), min_length=1, max_length=constants.BATCH_MAX
    )


class BulkItemOutput(serializers.Serializer[Any]):
    """What became of one item."""

    index = serializers.IntegerField()
    status = serializers.CharField(help_text="posted or refused.")
    id = fields.StrictUUIDField(required=False, help_text="Of the transaction.")
    code = serializers.CharField(required=False, help_text="Why it was refused.")
    detail = serializers.CharField(required=False)


class BulkOutput(serializers.Serializer[Any]):
    """One result for each item, in the order of the request."""

    items = BulkItemOutput(many=True)


_ITEM = {
    "postings": [{"source": "purse", "destination": "fees", "amount": 1250, "asset": "USD"}],
    "reference": "order-42",
}


class BulkView(APIView):
    """Many transactions."""

    limited_as: ClassVar = {"POST": "money"}
    scopes: ClassVar = {"POST": constants.TRANSACTIONS_WRITE}

    @extend_schema(
        summary="Post many transactions",
        description=(
            "Up to 1,000, in order, as if posted one after the other. With `atomic` all of them "
            "or none: 201, or a problem whose `transaction` is the index of the faulty item. "
            "Without it each on its own merits: 207 with one result for each item."
        ),
        tags=["transactions"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=BulkInput,
        responses={
            201: BulkOutput,
            207: BulkOutput,
            **problems(400, 401, 404, 409, 413, 422, 503),
        },
        examples=[
            examples.sent("Two at once", {"items": [_ITEM, {**_ITEM, "reference": "order-43"}]}),
            examples.shown(
                "One posted, one refused",
                {
                    "items": [
                        {"index": 0, "status": "posted", "id": examples.ID},
                        {
                            "index": 1,
                            "status": "refused",
                            "code": "TXN_INSUFFICIENT_FUNDS",
                            "detail": "The source does not have that much to spend.",
                        },
                    ]
                },
                "201",
                "207",
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(BulkInput, request)
        links = [item.get("link") for item in wanted["items"]]
        _require_neighbours(links)
        work = _posted_together if wanted["atomic"] else _posted_each
        return answer_once(
            request,
            lambda: {"items": work(wanted, caller(request))},
            status=status.HTTP_201_CREATED if wanted["atomic"] else status.HTTP_207_MULTI_STATUS,
            key_required=True,
        )


def _posted_together(wanted: dict[str, Any], actor: Principal) -> list[dict[str, Any]]:
    posted = services.post_all_or_none(
        drafts=drafts_of(wanted["items"], ledger=wanted["ledger"], actor=actor),
        ledger_id=selectors.ledger_id(wanted["ledger"]),
        actor=actor,
    )
    return [_result(index, done) for index, done in enumerate(posted)]


def _posted_each(wanted: dict[str, Any], actor: Principal) -> list[dict[str, Any]]:
    drafts = drafts_of(wanted["items"], ledger=wanted["ledger"], actor=actor)
    results = services.post_each(
        items=[
            services.Item(draft, item.get("link"))
            for draft, item in zip(drafts, wanted["items"], strict=True)
        ],
        ledger_id=selectors.ledger_id(wanted["ledger"]),
        actor=actor,
    )
    return [_result(index, result) for index, result in enumerate(results)]


def _result(index: int, result: services.PostedTransaction | DomainError) -> dict[str, Any]:
    if isinstance(result, DomainError):
        return {
            "index": index,
            "status": "refused",
            "code": result.code,
            "detail": result.detail,
            **result.extensions,
        }
    return {"index": index, "status": "posted", "id": str(result.id)}


def _require_neighbours(links: list[str | None]) -> None:
    seen: set[str] = set()
    for link, group in itertools.groupby(enumerate(links), key=lambda pair: pair[1]):
        index, _ = next(group)
        if link is None:
            continue
        if link in seen:
            detail = f"The items of {link} do not stand next to each other."
            fault = {
                "pointer": f"#/items/{index}/link",
                "code": errors.LinkScattered.code,
                "detail": detail,
            }
            raise errors.LinkScattered(detail, errors=[fault])
        seen.add(link)
