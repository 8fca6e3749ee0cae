"""Transactions that are to happen later."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import fields
from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY_REQUIRED, PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from transactions import constants, selectors, services
from transactions.api import examples, queries
from transactions.api.bulk import DraftInput
from transactions.api.drafts import drafts_of
from transactions.models import Schedule


class ScheduleInput(DraftInput):
    """What to post, and when."""

    ledger = fields.StrictTextField(
        max_length=constants.CODE_LENGTH_MAX, required=False, default=constants.DEFAULT_LEDGER
    )
    run_at = fields.InstantField(help_text="Later than now, at most a year ahead.")


class ScheduleOutput(serializers.Serializer[Schedule]):
    """A scheduled transaction as it is now."""

    id = fields.StrictUUIDField()
    status = serializers.CharField(help_text="scheduled, posted, failed or cancelled.")
    run_at = fields.InstantField()
    transaction = fields.StrictUUIDField(
        source="transaction_id", allow_null=True, help_text="What it became."
    )
    failure_code = serializers.CharField(allow_blank=True, help_text="Why it was not posted.")
    failure_detail = serializers.CharField(allow_blank=True, help_text="The same in a sentence.")
    created_at = fields.InstantField()
    closed_at = fields.InstantField(allow_null=True)


class SchedulePage(serializers.Serializer[Any]):
    """Some scheduled transactions, newest first."""

    items = ScheduleOutput(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


_SCHEDULE: dict[str, Any] = {
    "id": examples.ID,
    "status": "scheduled",
    "run_at": "2026-12-01T00:00:00.000000Z",
    "transaction": None,
    "failure_code": "",
    "failure_detail": "",
    "created_at": examples.AT,
    "closed_at": None,
}
_SHOWN = examples.shown("Scheduled", _SCHEDULE)


class SchedulesView(APIView):
    """One's own scheduled transactions."""

    renderer_classes = LIST_RENDERERS
    limited_as: ClassVar = {"POST": "money"}
    scopes: ClassVar = {"GET": constants.SCHEDULES_READ, "POST": constants.SCHEDULES_WRITE}

    @extend_schema(
        operation_id="schedules_list",
        summary="List scheduled transactions",
        tags=["schedules"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("status", str, enum=constants.SCHEDULE_STATUSES),
        ],
        responses={200: SchedulePage, **problems(400, 401)},
        examples=[examples.shown("One", examples.page_of(_SCHEDULE))],
    )
    def get(self, request: Request) -> HttpResponseBase:
        wanted = queries.one_of(
            queries.known(request, "status"), "status", constants.SCHEDULE_STATUSES
        )
        return listed(
            request,
            scope=f"schedules:{wanted or ''}",
            fetch=lambda asked: selectors.schedules(
                actor=caller(request), asked=asked, status=wanted
            ),
            shape=ScheduleOutput,
        )

    @extend_schema(
        summary="Schedule a transaction",
        description=(
            "Posts it once it is due, exactly once, with what the caller may do both now and then. "
            "Funds and limits are judged then; what is refused then is kept as failed with its "
            "code, and so is everything of somebody who is locked out or gone by then."
        ),
        tags=["schedules"],
        parameters=[IDEMPOTENCY_KEY_REQUIRED],
        request=ScheduleInput,
        responses={201: ScheduleOutput, **problems(400, 401, 404, 409, 422, 503)},
        examples=[
            examples.sent(
                "The rent",
                {
                    "run_at": "2026-12-01T00:00:00Z",
                    "postings": [
                        {
                            "source": "purse",
                            "destination": examples.FEES,
                            "amount": 90000,
                            "asset": "USD",
                        }
                    ],
                },
            ),
            _SHOWN,
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(ScheduleInput, request)

        def schedule() -> dict[str, Any]:
            (draft,) = drafts_of([wanted], ledger=wanted["ledger"], actor=caller(request))
            made = services.schedule_transaction(
                draft=draft,
                ledger_id=selectors.ledger_id(wanted["ledger"]),
                run_at=wanted["run_at"],
                actor=caller(request),
            )
            return ScheduleOutput(made).data

        return answer_once(request, schedule, key_required=True)


class ScheduleView(APIView):
    """One scheduled transaction."""

    scopes: ClassVar = {"GET": constants.SCHEDULES_READ, "DELETE": constants.SCHEDULES_WRITE}

    @extend_schema(
        summary="Show a scheduled transaction",
        tags=["schedules"],
        responses={200: ScheduleOutput, **problems(401, 404)},
        examples=[_SHOWN],
    )
    def get(self, request: Request, schedule_id: uuid.UUID) -> Response:
        schedule = selectors.get_schedule(schedule_id=schedule_id, actor=caller(request))
        return Response(ScheduleOutput(schedule).data)

    @extend_schema(
        summary="Cancel a scheduled transaction",
        description="As long as it is not posted; it stays to be seen as cancelled.",
        tags=["schedules"],
        responses={200: ScheduleOutput, **problems(401, 404, 409)},
        examples=[
            examples.shown(
                "Cancelled", {**_SCHEDULE, "status": "cancelled", "closed_at": examples.AT}
            )
        ],
    )
    def delete(self, request: Request, schedule_id: uuid.UUID) -> Response:
        schedule = services.cancel_schedule(schedule_id=schedule_id, actor=caller(request))
        return Response(ScheduleOutput(schedule).data)
