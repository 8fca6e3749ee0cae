"""One's own API keys. A key cannot make, see or change keys: these views name no scopes."""

from __future__ import annotations

import uuid

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors, services
from accounts.api.api_key_serializers import (
    API_KEY_EXAMPLE,
    NEW_KEY_EXAMPLE,
    ApiKeyInput,
    ApiKeyOutput,
    ApiKeyPage,
    NewApiKeyOutput,
    RotateInput,
    ScopeList,
    ScopeOutput,
)
from accounts.models import ApiKey
from core import scopes
from core.api import caller, given, listed, listed_whole
from core.openapi import PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS

_MADE = OpenApiExample("A new key", value=NEW_KEY_EXAMPLE, response_only=True, status_codes=["201"])


class ApiKeysView(APIView):
    """One's own keys."""

    renderer_classes = LIST_RENDERERS

    @extend_schema(
        operation_id="me_api_keys_list",
        summary="List my API keys",
        description="Newest first, with those that have ended. No key's text is here.",
        tags=["api-keys"],
        parameters=PAGE_PARAMETERS,
        responses={200: ApiKeyPage, **problems(400, 401)},
        examples=[
            OpenApiExample(
                "One key",
                value={"items": [API_KEY_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="api-keys",
            fetch=lambda asked: selectors.api_keys(actor=caller(request), asked=asked),
            shape=ApiKeyOutput,
        )

    @extend_schema(
        summary="Make an API key",
        description=(
            "The key acts for you within its scopes. Its text is in this answer and nowhere "
            "else. Asks for a fresh login."
        ),
        tags=["api-keys"],
        request=ApiKeyInput,
        responses={201: NewApiKeyOutput, **problems(400, 401, 403, 409, 422)},
        examples=[
            OpenApiExample(
                "For one network",
                value={
                    "name": "Nightly export",
                    "scopes": ["account:read"],
                    "allowed_cidrs": ["203.0.113.0/24"],
                    "lifetime_days": 365,
                },
                request_only=True,
            ),
            _MADE,
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(ApiKeyInput, request)
        made, text = services.create_api_key(
            name=wanted["name"],
            scope_names=wanted["scopes"],
            networks=wanted["allowed_cidrs"],
            lifetime_days=wanted["lifetime_days"],
            audience=wanted["audience"],
            actor=caller(request),
        )
        return _shown_once(made, text)


class ScopesView(APIView):
    """What keys may be allowed to do."""

    renderer_classes = LIST_RENDERERS

    @extend_schema(
        operation_id="scopes_list",
        summary="List scopes",
        description="All that a key may be given; not every caller reaches each of them.",
        tags=["api-keys"],
        responses={200: ScopeList, **problems(401)},
        examples=[
            OpenApiExample(
                "Two scopes",
                value={
                    "items": [
                        {"name": "account:read", "about": "see its owner's account"},
                        {"name": "sessions:read", "about": "see its owner's sessions"},
                    ]
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        rows = [ScopeOutput(scope).data for scope in scopes.known()]
        return listed_whole(request, name="scopes", rows=rows, shape=ScopeOutput)


class RotateApiKeyView(APIView):
    """A new text for a key."""

    @extend_schema(
        summary="Rotate an API key",
        description=(
            "Makes a key alike; the old one goes on working for `overlap_s` seconds, so that "
            "programs can change over. Asks for a fresh login."
        ),
        tags=["api-keys"],
        request=RotateInput,
        responses={201: NewApiKeyOutput, **problems(400, 401, 403, 404, 409, 422)},
        examples=[
            OpenApiExample("One day of overlap", value={"overlap_s": 86_400}, request_only=True),
            _MADE,
        ],
    )
    def post(self, request: Request, key_id: uuid.UUID) -> Response:
        made, text = services.rotate_api_key(
            key_id=key_id, actor=caller(request), **given(RotateInput, request)
        )
        return _shown_once(made, text)


class ApiKeyView(APIView):
    """One key."""

    @extend_schema(
        summary="Revoke an API key",
        description="Every worker refuses it from now on.",
        tags=["api-keys"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        services.revoke_api_key(key_id=key_id, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown_once(made: ApiKey, text: str) -> Response:
    return Response(
        {"key": text, "api_key": ApiKeyOutput(made).data}, status=status.HTTP_201_CREATED
    )
