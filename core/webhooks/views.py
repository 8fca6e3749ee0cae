"""Webhook endpoints, their delivery log, and the dead-letter list."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import etags
from core.api import caller, given, listed
from core.fields import ReasonInput
from core.models import WebhookDelivery
from core.openapi import IF_MATCH, PAGE_PARAMETERS, problems
from core.pagination import page_by_id
from core.renderers import LIST_RENDERERS
from core.step_up import require_fresh_login
from core.webhooks import dead_letters, endpoints
from core.webhooks.serializers import (
    DELIVERY_EXAMPLE,
    ENDPOINT_EXAMPLE,
    NEW_ENDPOINT_EXAMPLE,
    DeliveryOutput,
    DeliveryPage,
    EndpointChange,
    EndpointInput,
    EndpointOutput,
    EndpointPage,
    NewEndpointOutput,
    RotateSecretInput,
)

READ, WRITE = "webhooks:read", "webhooks:write"
_SHOWN = OpenApiExample("An endpoint", value=ENDPOINT_EXAMPLE, response_only=True)
_MADE = OpenApiExample("Its secret, once", value=NEW_ENDPOINT_EXAMPLE, response_only=True)
_REASON = OpenApiExample("Why", value={"reason": "The receiver is mended."}, request_only=True)


def _page_of(example: dict[str, Any]) -> OpenApiExample:
    value = {"items": [example], "next": None, "previous": None}
    return OpenApiExample("One", value=value, response_only=True)


class EndpointsView(APIView):
    """One's own endpoints."""

    renderer_classes = LIST_RENDERERS
    scopes: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="webhooks_list",
        summary="List webhook endpoints",
        tags=["webhooks"],
        parameters=PAGE_PARAMETERS,
        responses={200: EndpointPage, **problems(400, 401, 403)},
        examples=[_page_of(ENDPOINT_EXAMPLE)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="webhooks",
            fetch=lambda asked: endpoints.page_of_endpoints(actor=caller(request), asked=asked),
            shape=EndpointOutput,
        )

    @extend_schema(
        summary="Add a webhook endpoint",
        description=(
            "The address hears of your events from now on, at least once each, signed by the "
            "Standard Webhooks specification. The secret is in this answer and nowhere else. "
            "Asks for a fresh login."
        ),
        tags=["webhooks"],
        request=EndpointInput,
        responses={201: NewEndpointOutput, **problems(400, 401, 403, 409)},
        examples=[
            OpenApiExample(
                "Money only",
                value={"url": ENDPOINT_EXAMPLE["url"], "topics": ["transaction.*"]},
                request_only=True,
            ),
            _MADE,
        ],
    )
    def post(self, request: Request) -> Response:
        actor = caller(request)
        require_fresh_login(actor, scope=WRITE)
        made, secret = endpoints.create_endpoint(actor=actor, **given(EndpointInput, request))
        return Response(
            {**EndpointOutput(made).data, "secret": secret}, status=status.HTTP_201_CREATED
        )


class EndpointView(APIView):
    """One endpoint."""

    scopes: ClassVar = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}

    @extend_schema(
        operation_id="webhooks_get",
        summary="Show a webhook endpoint",
        tags=["webhooks"],
        responses={200: EndpointOutput, **problems(401, 403, 404)},
        examples=[_SHOWN],
    )
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        row = endpoints.get_endpoint(endpoint_id=endpoint_id, actor=caller(request))
        return Response(EndpointOutput(row).data, headers={"ETag": etags.of_version(row.version)})

    @extend_schema(
        summary="Change a webhook endpoint",
        tags=["webhooks"],
        parameters=[IF_MATCH],
        request=EndpointChange,
        responses={200: EndpointOutput, **problems(400, 401, 403, 404, 412, 428)},
        examples=[
            OpenApiExample("Stop for now", value={"is_enabled": False}, request_only=True),
            _SHOWN,
        ],
    )
    def patch(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        row = endpoints.update_endpoint(
            endpoint_id=endpoint_id,
            version=etags.required_version(request),
            actor=caller(request),
            **given(EndpointChange, request),
        )
        return Response(EndpointOutput(row).data, headers={"ETag": etags.of_version(row.version)})

    @extend_schema(
        summary="Remove a webhook endpoint",
        tags=["webhooks"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        endpoints.delete_endpoint(endpoint_id=endpoint_id, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RotateSecretView(APIView):
    """A new secret for an endpoint."""

    scopes: ClassVar = {"POST": WRITE}

    @extend_schema(
        summary="Rotate a webhook secret",
        description="Both secrets sign during the overlap. Asks for a fresh login.",
        tags=["webhooks"],
        request=RotateSecretInput,
        responses={201: NewEndpointOutput, **problems(400, 401, 403, 404)},
        examples=[
            OpenApiExample("One day of overlap", value={"overlap_s": 86_400}, request_only=True),
            _MADE,
        ],
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        actor = caller(request)
        require_fresh_login(actor, scope=WRITE)
        row, secret = endpoints.rotate_secret(
            endpoint_id=endpoint_id, actor=actor, **given(RotateSecretInput, request)
        )
        return Response(
            {**EndpointOutput(row).data, "secret": secret}, status=status.HTTP_201_CREATED
        )


class DeliveriesView(APIView):
    """What was sent to an endpoint."""

    renderer_classes = LIST_RENDERERS
    scopes: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="webhook_deliveries_list",
        summary="List what was sent to an endpoint",
        description="Newest first, with every try and what was answered.",
        tags=["webhooks"],
        parameters=PAGE_PARAMETERS,
        responses={200: DeliveryPage, **problems(400, 401, 403, 404)},
        examples=[_page_of(DELIVERY_EXAMPLE)],
    )
    def get(self, request: Request, endpoint_id: uuid.UUID) -> HttpResponseBase:
        rows = endpoints.deliveries(endpoint_id=endpoint_id, actor=caller(request))
        return _deliveries(request, rows, scope=f"deliveries:{endpoint_id}")


class DeadLettersView(APIView):
    """What could not be told."""

    renderer_classes = LIST_RENDERERS

    @extend_schema(
        operation_id="dead_letters_list",
        summary="List dead letters",
        description="For staff: events that five tries could not deliver, newest first.",
        tags=["webhooks"],
        parameters=PAGE_PARAMETERS,
        responses={200: DeliveryPage, **problems(400, 401, 403)},
        examples=[_page_of(DELIVERY_EXAMPLE)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        rows = dead_letters.dead_letters(actor=caller(request))
        return _deliveries(request, rows, scope="dead-letters")


class ReplayView(APIView):
    """Send a dead letter again."""

    @extend_schema(
        summary="Send a dead letter again",
        description="Under the same event id, by itself, with five new tries.",
        tags=["webhooks"],
        request=ReasonInput,
        responses={202: None, **problems(400, 401, 403, 404)},
        examples=[_REASON],
    )
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        dead_letters.replay_dead_letter(
            delivery_id=delivery_id, actor=caller(request), **given(ReasonInput, request)
        )
        return Response(status=status.HTTP_202_ACCEPTED)


class DiscardView(APIView):
    """Take a dead letter off the list."""

    @extend_schema(
        summary="Discard a dead letter",
        tags=["webhooks"],
        request=ReasonInput,
        responses={204: None, **problems(400, 401, 403, 404)},
        examples=[_REASON],
    )
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        dead_letters.discard_dead_letter(
            delivery_id=delivery_id, actor=caller(request), **given(ReasonInput, request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def _deliveries(
    request: Request, rows: QuerySet[WebhookDelivery], *, scope: str
) -> HttpResponseBase:
    return listed(
        request,
        scope=scope,
        fetch=lambda asked: page_by_id(rows, asked),
        shape=DeliveryOutput,
    )
