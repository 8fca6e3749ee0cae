"""What other services ask with a key: sessions for guests, and whom a token speaks for."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import caller, given
from core.openapi import problems
from core.parsers import StrictJSONParser
from sessions_app import constants, services
from sessions_app.api import browser
from sessions_app.api.parsers import StrictFormParser
from sessions_app.api.serializers import (
    SESSION_EXAMPLE,
    AttachInput,
    AttachOutput,
    IntrospectInput,
    IntrospectOutput,
    SessionOutput,
)


class IntrospectView(APIView):
    """Whom a token speaks for."""

    stays_in_read_only = {"POST"}
    scopes = {"POST": constants.SESSIONS_INTROSPECT}
    parser_classes = [StrictJSONParser, StrictFormParser]

    @extend_schema(
        summary="Introspect a token",
        description=(
            "RFC 7662, as JSON or as a form. A token that is expired, ended, unknown or for "
            'somebody else is `{"active": false}`. Asks the session itself: who logged out a '
            "moment ago is not active."
        ),
        tags=["sessions"],
        request={
            "application/json": IntrospectInput,
            "application/x-www-form-urlencoded": IntrospectInput,
        },
        responses={200: IntrospectOutput, **problems(400, 401, 403, 415)},
        examples=[
            OpenApiExample("A token", value={"token": "srs_AaH8..."}, request_only=True),
            OpenApiExample(
                "Ada's",
                value={
                    "active": True,
                    "token_type": "Bearer",
                    "iss": "https://strongroom.example",
                    "sub": "01a1fc76-8f73-70f5-a3bc-9771834789b4",
                    "sid": "01a1fc61-0203-703c-973a-a31d52667ef1",
                    "kind": "user",
                    "acr": "aal1",
                    "auth_time": 1795168800,
                    "aud": "https://strongroom.example",
                    "exp": 1795172400,
                },
                response_only=True,
            ),
            OpenApiExample("Nobody's", value={"active": False}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        asked = given(IntrospectInput, request)
        asked.pop("token_type_hint", None)
        return Response(services.introspect(**asked, actor=caller(request)))


class AttachView(APIView):
    """What a guest put aside, for whoever they turn out to be."""

    @extend_schema(
        summary="Take over a guest session",
        description=(
            "Adds the guest session's data to that of the session that asks, ends the guest "
            "session, and answers a new token: both tokens known before are worthless."
        ),
        tags=["sessions"],
        request=AttachInput,
        responses={200: AttachOutput, **problems(400, 401, 403, 404, 413)},
        examples=[
            OpenApiExample("The guest's", value={"guest_token": "srs_AaH9..."}, request_only=True),
            OpenApiExample(
                "Taken over",
                value={"token": "srs_AaH8do9zcPWjvJdxg0eJtA_...", "session": SESSION_EXAMPLE},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        session, token = services.attach_guest_session(
            session_id=session_id, **given(AttachInput, request), actor=caller(request)
        )
        came_by_cookie = "Authorization" not in request.headers
        response = Response(
            {"token": "" if came_by_cookie else token, "session": SessionOutput(session).data}
        )
        if came_by_cookie:
            browser.set_token(response, token)
        return response
