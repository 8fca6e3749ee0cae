"""Cookie jars: for programs that talk to other sites as a browser would."""

from __future__ import annotations

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY, PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from sessions_app import constants, selectors, services
from sessions_app.api import jar_serializers as shapes
from sessions_app.api.renderers import NetscapeRenderer, PlaywrightRenderer, PythonRenderer

_SCOPES = {"GET": constants.JARS_READ, "POST": constants.JARS_WRITE, "DELETE": constants.JARS_WRITE}
_STATE = {
    "cookies": [
        {
            "name": "sid",
            "value": "31d4d96e",
            "domain": "www.example.org",
            "path": "/",
            "expires": -1,
            "httpOnly": True,
            "secure": True,
            "sameSite": "Lax",
        }
    ],
    "origins": [],
}


class JarsView(APIView):
    """One's jars."""

    renderer_classes = LIST_RENDERERS
    scopes = _SCOPES

    @extend_schema(
        operation_id="jars_list",
        summary="List my cookie jars",
        tags=["jars"],
        parameters=PAGE_PARAMETERS,
        responses={200: shapes.JarPage, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "One jar",
                value={"items": [shapes.JAR_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="jars",
            fetch=lambda asked: selectors.cookie_jars(actor=caller(request), asked=asked),
            shape=shapes.JarOutput,
        )

    @extend_schema(
        summary="Make a cookie jar",
        tags=["jars"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.JarInput,
        responses={201: shapes.JarOutput, **problems(400, 401, 403, 409, 422)},
        examples=[
            OpenApiExample("For a crawler", value={"label": "crawler"}, request_only=True),
            OpenApiExample("Made", value=shapes.JAR_EXAMPLE, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.JarInput, request)
        return answer_once(
            request,
            lambda: shapes.JarOutput(services.create_jar(**wanted, actor=caller(request))).data,
        )


class JarView(APIView):
    """One jar."""

    scopes = _SCOPES

    @extend_schema(
        operation_id="jars_retrieve",
        summary="Show a cookie jar",
        tags=["jars"],
        responses={200: shapes.JarOutput, **problems(401, 403, 404)},
        examples=[OpenApiExample("A jar", value=shapes.JAR_EXAMPLE, response_only=True)],
    )
    def get(self, request: Request, jar_id: uuid.UUID) -> Response:
        jar = selectors.get_jar(jar_id=jar_id, actor=caller(request))
        return Response(shapes.JarOutput(jar).data)

    @extend_schema(
        summary="Delete a cookie jar with its cookies",
        tags=["jars"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request, jar_id: uuid.UUID) -> Response:
        services.delete_jar(jar_id=jar_id, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class JarCookiesView(APIView):
    """What is in a jar, without values."""

    renderer_classes = LIST_RENDERERS
    scopes = _SCOPES

    @extend_schema(
        operation_id="jars_cookies_list",
        summary="List the cookies of a jar",
        description="Live ones, newest first. Their values are only in `header` and `export`.",
        tags=["jars"],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("host", str, description="Those that this host could be sent."),
        ],
        responses={200: shapes.JarCookiePage, **problems(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "One cookie",
                value={"items": [shapes.COOKIE_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, jar_id: uuid.UUID) -> HttpResponseBase:
        return listed(
            request,
            scope="jar-cookies",
            fetch=lambda asked: selectors.jar_cookies(
                jar_id=jar_id,
                host=request.query_params.get("host"),
                actor=caller(request),
                asked=asked,
            ),
            shape=shapes.JarCookieOutput,
        )


class JarCookieView(APIView):
    """One cookie of a jar."""

    scopes = _SCOPES

    @extend_schema(
        summary="Remove a cookie from a jar",
        tags=["jars"],
        responses={204: None, **problems(401, 403, 404)},
    )
    def delete(self, request: Request, jar_id: uuid.UUID, cookie_id: uuid.UUID) -> Response:
        services.delete_jar_cookie(jar_id=jar_id, cookie_id=cookie_id, actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class JarStoreView(APIView):
    """What a site answered."""

    scopes = {"POST": constants.JARS_WRITE}

    @extend_schema(
        summary="Store Set-Cookie lines",
        description=(
            "As in a browser, a line that must be ignored does not stop the others: `results` "
            "says of each what became of it. When all of them must be, the answer is 422 and "
            "nothing changed."
        ),
        tags=["jars"],
        request=shapes.StoreInput,
        responses={200: shapes.StoreOutput, **problems(400, 401, 403, 404, 422)},
        examples=[
            OpenApiExample(
                "A login",
                value={
                    "url": "https://www.example.org/login",
                    "method": "POST",
                    "set_cookie": ["sid=31d4d96e; Path=/; Secure; HttpOnly", "a=b; Domain=org"],
                },
                request_only=True,
            ),
            OpenApiExample(
                "One kept, one refused",
                value={
                    "results": [
                        {
                            "index": 0,
                            "outcome": "kept",
                            "name": "sid",
                            "domain": "www.example.org",
                            "path": "/",
                            "expires_at": None,
                        },
                        {
                            "index": 1,
                            "outcome": "refused",
                            "code": "COOKIE_PUBLIC_SUFFIX",
                            "clause": "5.7 step 9",
                            "detail": "Its Domain is a public suffix.",
                        },
                    ]
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, jar_id: uuid.UUID) -> Response:
        wanted = given(shapes.StoreInput, request)
        verdicts = services.store_cookies(
            jar_id=jar_id,
            lines=wanted.pop("set_cookie"),
            exchange=services.exchange_at(**wanted),
            actor=caller(request),
        )
        return Response({"results": [shapes.VerdictOutput(verdict).data for verdict in verdicts]})


class JarHeaderView(APIView):
    """What to send. The URL is in the body: it may hold keys, and paths are logged."""

    scopes = {"POST": constants.JARS_READ}

    @extend_schema(
        summary="Ask for the Cookie header of a request",
        tags=["jars"],
        request=shapes.HttpExchangeInput,
        responses={200: shapes.HeaderOutput, **problems(400, 401, 403, 404, 422)},
        examples=[
            OpenApiExample(
                "A page", value={"url": "https://www.example.org/account"}, request_only=True
            ),
            OpenApiExample("One cookie", value={"cookie": "sid=31d4d96e"}, response_only=True),
        ],
    )
    def post(self, request: Request, jar_id: uuid.UUID) -> Response:
        header = services.cookie_header(
            jar_id=jar_id,
            exchange=services.exchange_at(**given(shapes.HttpExchangeInput, request)),
            actor=caller(request),
        )
        return Response({"cookie": header or None})


class JarExportView(APIView):
    """A jar as a file."""

    # Cookie values: never compressed together with what somebody else may have put there.
    answers_secrets = True
    scopes = {"GET": constants.JARS_READ}
    renderer_classes = [PlaywrightRenderer, NetscapeRenderer, PythonRenderer]

    @extend_schema(
        summary="Export a jar",
        description=(
            "`playwright`: a storageState. `netscape`: a cookies.txt for curl, wget and others; "
            "`python`: the same for http.cookiejar. "
            "Values are in the clear; an audit row tells of it."
        ),
        tags=["jars"],
        parameters=[OpenApiParameter("format", str, enum=["playwright", "netscape", "python"])],
        responses={
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "text/plain"): OpenApiResponse(OpenApiTypes.STR),
            **problems(401, 403, 404),
        },
        examples=[
            OpenApiExample(
                "storageState", value=_STATE, response_only=True, media_type="application/json"
            )
        ],
    )
    def get(self, request: Request, jar_id: uuid.UUID) -> Response:
        actor, chosen = caller(request), request.accepted_renderer
        if not isinstance(chosen, NetscapeRenderer):
            return Response(services.export_playwright(jar_id=jar_id, actor=actor))
        text = services.export_netscape(
            jar_id=jar_id, actor=actor, for_python=isinstance(chosen, PythonRenderer)
        )
        return Response(text)


class JarImportView(APIView):
    """A file into a jar."""

    scopes = {"POST": constants.JARS_WRITE}

    @extend_schema(
        summary="Import cookies into a jar",
        description="All or none: a refused cookie is named by its line or place in `errors`.",
        tags=["jars"],
        request=shapes.ImportInput,
        responses={200: shapes.ImportOutput, **problems(400, 401, 403, 404, 422)},
        examples=[
            OpenApiExample(
                "cookies.txt",
                value={
                    "format": "netscape",
                    "file": "#HttpOnly_www.example.org\tFALSE\t/\tTRUE\t0\tsid\t31d4d96e\n",
                },
                request_only=True,
            ),
            OpenApiExample(
                "storageState", value={"format": "playwright", "state": _STATE}, request_only=True
            ),
            OpenApiExample("One", value={"imported": 1, "expired": 0}, response_only=True),
        ],
    )
    def post(self, request: Request, jar_id: uuid.UUID) -> Response:
        wanted = given(shapes.ImportInput, request)
        imported, expired = _import(jar_id, wanted, request)
        return Response({"imported": imported, "expired": expired})


def _import(jar_id: uuid.UUID, wanted: dict[str, Any], request: Request) -> tuple[int, int]:
    actor = caller(request)
    if wanted["format"] == "netscape":
        return services.import_netscape(jar_id=jar_id, text=wanted["file"], actor=actor)
    return services.import_playwright(jar_id=jar_id, state=wanted["state"], actor=actor)
