"""Issued cookies: for programs that set them, people who have them, staff who define them."""

from __future__ import annotations

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock, etags
from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY, IF_MATCH, PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from sessions_app import constants, selectors, services
from sessions_app.api import cookie_serializers as shapes
from sessions_app.models import CookieDefinition
from sessions_app.rfc6265.writing import Attributes

_LINE = (
    "__Host-basket=AaH8do9zcPWjvJdxg0eJtAGh_MEKO39SjB2eL0pbbH0.AAAAAVN...; Path=/; "
    "Max-Age=86400; Secure; HttpOnly; SameSite=Lax"
)
_ISSUED = {
    "id": shapes.COOKIE_EXAMPLE["id"],
    "name": "__Host-basket",
    "set_cookie": _LINE,
    "expires_at": "2026-11-21T10:00:00.000000Z",
}


class IssueView(APIView):
    """Put a value behind a new cookie."""

    scopes = {"POST": constants.COOKIES_ISSUE}

    @extend_schema(
        summary="Issue a cookie",
        description=(
            "Answers the `Set-Cookie` line to send. The value stays here, encrypted; the browser "
            "gets a token that works once. A cookie that is not necessary needs a live consent "
            "to its category (409). For API keys only; those of services may name a person or a "
            "visitor."
        ),
        tags=["cookies"],
        request=shapes.IssueInput,
        responses={201: shapes.IssuedOutput, **problems(400, 401, 403, 404, 409, 422)},
        examples=[
            OpenApiExample(
                "A basket",
                value={
                    "name": "__Host-basket",
                    "value": '{"items": [17, 4]}',
                    "anonymous_id": "v-7f3c2e9a1b5d4c60",
                },
                request_only=True,
            ),
            OpenApiExample("Issued", value=_ISSUED, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.IssueInput, request)
        actor = caller(request)
        subject = services.subject_of(actor, **_who(wanted))
        handed = services.issue_cookie(order=services.Order(**wanted), subject=subject, actor=actor)
        return Response(_issued(handed), status=status.HTTP_201_CREATED)


class ResolveView(APIView):
    """Read what is behind a cookie."""

    scopes = {"POST": constants.COOKIES_RESOLVE}

    @extend_schema(
        summary="Resolve a cookie",
        description=(
            "Answers the value and a `Set-Cookie` line with the token to use next time: send it. "
            "Parallel requests with one token get the same line. A token that was used before, "
            "more than some seconds ago, has been copied: then the person's sessions and "
            "remembered devices end, and the answer is 401 as for any cookie that is not valid."
        ),
        tags=["cookies"],
        request=shapes.ResolveInput,
        responses={200: shapes.ResolvedOutput, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "What the browser sent",
                value={"name": "__Host-basket", "token": "AaH8do9zcPWjvJdxg0eJ.AAAAAFN..."},
                request_only=True,
            ),
            OpenApiExample(
                "A visitor's basket",
                value={
                    **_ISSUED,
                    "value": '{"items": [17, 4]}',
                    "user_id": None,
                    "session_id": None,
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.ResolveInput, request)
        handed = services.resolve_cookie(**wanted, actor=caller(request))
        person = selectors.person_of(handed.cookie)
        body = {
            **_issued(handed),
            "value": handed.value,
            "user_id": person and str(person.pk),
            "session_id": handed.cookie.session_id and str(handed.cookie.session_id),
        }
        return Response(body)


class CookiesView(APIView):
    """The cookies in one's own browsers."""

    renderer_classes = LIST_RENDERERS

    @extend_schema(
        operation_id="cookies_list",
        summary="List my cookies",
        description="Those applications set for you, and devices that are remembered or trusted.",
        tags=["cookies"],
        parameters=PAGE_PARAMETERS,
        responses={200: shapes.CookiePage, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "One cookie",
                value={"items": [shapes.COOKIE_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="cookies",
            fetch=lambda asked: selectors.live_cookies(actor=caller(request), asked=asked),
            shape=shapes.CookieOutput,
        )


class CookieView(APIView):
    """One cookie of one's own."""

    @extend_schema(
        summary="Revoke a cookie",
        tags=["cookies"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request, cookie_id: uuid.UUID) -> Response:
        services.revoke_cookie(cookie_id=cookie_id, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class DefinitionsView(APIView):
    """The registry."""

    renderer_classes = LIST_RENDERERS

    @extend_schema(
        operation_id="cookie_definitions_list",
        summary="List the registry of cookies",
        description="Staff only.",
        tags=["cookies"],
        parameters=PAGE_PARAMETERS,
        responses={200: shapes.DefinitionPage, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "One cookie",
                value={"items": [shapes.DEFINITION_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="cookie-definitions",
            fetch=lambda asked: selectors.definitions(actor=caller(request), asked=asked),
            shape=shapes.DefinitionOutput,
        )

    @extend_schema(
        summary="Define a cookie",
        description=(
            "Staff only. What browsers would refuse, or keep unsafely, is 422; `errors` names "
            "each reason with its clause of RFC 6265bis."
        ),
        tags=["cookies"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.DefinitionInput,
        responses={201: shapes.DefinitionOutput, **problems(400, 401, 403, 409, 422)},
        examples=[
            OpenApiExample(
                "A basket",
                value={
                    "name": "__Host-basket",
                    "category": "necessary",
                    "purpose": "Keeps what is in your basket.",
                    "max_age_s": 86400,
                },
                request_only=True,
            ),
            OpenApiExample("Defined", value=shapes.DEFINITION_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.DefinitionInput, request)
        about = {name: wanted.pop(name) for name in ("name", "category", "purpose")}
        return answer_once(
            request,
            lambda: (
                shapes.DefinitionOutput(
                    services.define_cookie(
                        **about, attributes=Attributes(**wanted), actor=caller(request)
                    )
                ).data
            ),
        )


class DefinitionView(APIView):
    """One cookie of the registry."""

    @extend_schema(
        operation_id="cookie_definitions_retrieve",
        summary="Show a cookie of the registry",
        description="Staff only.",
        tags=["cookies"],
        responses={200: shapes.DefinitionOutput, **problems(401, 403, 404)},
        examples=[OpenApiExample("A cookie", value=shapes.DEFINITION_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request, definition_id: uuid.UUID) -> Response:
        return _definition(selectors.definition(definition_id, actor=caller(request)))

    @extend_schema(
        summary="Change a cookie of the registry",
        description="Staff only. Name, category and attributes stay: define another cookie.",
        tags=["cookies"],
        parameters=[IF_MATCH],
        request=shapes.DefinitionChange,
        responses={200: shapes.DefinitionOutput, **problems(400, 401, 403, 404, 412, 422, 428)},
        examples=[
            OpenApiExample("No more", value={"is_active": False}, request_only=True),
            OpenApiExample(
                "Changed",
                value={**shapes.DEFINITION_EXAMPLE, "is_active": False},
                response_only=True,
            ),
        ],
    )
    def patch(self, request: Request, definition_id: uuid.UUID) -> Response:
        row = services.change_definition(
            definition_id=definition_id,
            version=etags.required_version(request),
            **given(shapes.DefinitionChange, request),
            actor=caller(request),
        )
        return _definition(row)


def _definition(row: CookieDefinition) -> Response:
    return Response(
        shapes.DefinitionOutput(row).data, headers={"ETag": etags.of_version(row.version)}
    )


def _who(wanted: dict[str, Any]) -> dict[str, Any]:
    """Take out of a body whom it names."""
    return {name: wanted.pop(name) for name in ("user_id", "anonymous_id") if name in wanted}


def _issued(handed: services.Handed) -> dict[str, Any]:
    return {
        "id": str(handed.cookie.pk),
        "name": handed.cookie.definition.name,
        "set_cookie": handed.set_cookie,
        "expires_at": clock.as_rfc3339(handed.cookie.expires_at),
    }
