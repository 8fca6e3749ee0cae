"""What happened, in the order it was committed."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock, fields
from core.api import caller
from core.commit_order import START, Position
from core.models import OutboxEvent
from core.openapi import PAGE_PARAMETERS, problems
from core.pagination import PageRequest, link_after
from transactions import constants, selectors
from transactions.api import queries

EXAMPLE = OpenApiExample(
    "One event",
    value={
        "items": [
            {
                "id": "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32",
                "topic": "transaction.posted",
                "user": "01a1fc76-8f73-70f5-a3bc-9771834789b4",
                "object": "01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32",
                "payload": None,
                "recorded_at": "2026-11-20T10:00:00.000000Z",
            }
        ],
        "next": "https://strongroom.example/api/v1/events/?cursor=W2ZhbHNl.qZ",
    },
    response_only=True,
)


class EventOutput(serializers.Serializer[Any]):
    """One event."""

    id = fields.StrictUUIDField()
    topic = serializers.CharField()
    user = fields.StrictUUIDField(help_text="Whom it happened to.")
    object = fields.StrictUUIDField(help_text="What it is about, such as a transaction's id.")
    payload = fields.ForeignObjectField(allow_null=True)
    recorded_at = fields.InstantField()


class EventFeed(serializers.Serializer[Any]):
    """A stretch of the feed."""

    items = EventOutput(many=True)
    next = serializers.CharField(help_text="Ask here for what comes after, now or later.")


class EventsView(APIView):
    """The feed."""

    scopes: ClassVar = {"GET": constants.EVENTS_READ}

    @extend_schema(
        operation_id="events_list",
        summary="Read the event feed",
        description=(
            "Every event, oldest first, in the order of commits. `next` is always there: follow "
            "it for ever, and no event is skipped and none comes twice, however many writers "
            "there are. An event appears once every transaction begun before it has ended. For "
            "staff, and for keys with the scope `events:read`."
        ),
        tags=["events"],
        parameters=PAGE_PARAMETERS,
        responses={200: EventFeed, **problems(400, 401, 403)},
        examples=[EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        queries.known(request)
        asked = PageRequest(request, scope="events")
        after = _position(asked.position)
        found = selectors.events(actor=caller(request), after=after, limit=asked.limit)
        last = found[-1][0] if found else after
        return Response(
            {
                "items": [_event(event) for _, event in found],
                "next": link_after(asked, [last.epoch, last.xid, str(last.id)]),
            }
        )


def _position(values: list[Any] | None) -> Position:
    if values is None:
        return START
    epoch, xid, identifier = values
    return Position(epoch, xid, uuid.UUID(identifier))


def _event(event: OutboxEvent) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "topic": event.topic,
        "user": str(event.user_id),
        "object": str(event.object_id),
        "payload": event.payload,
        "recorded_at": clock.as_rfc3339(event.recorded_at),
    }
