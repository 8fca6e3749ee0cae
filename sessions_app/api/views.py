"""Login, logout and the list of one's devices."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services as accounts
from accounts.api.serializers import ACCOUNT_EXAMPLE, AccountOutput
from core.api import caller, given
from core.openapi import PAGE_PARAMETERS, problems
from core.pagination import PageRequest
from sessions_app import constants, selectors, services
from sessions_app.api.serializers import (
    EndedOutput,
    LoginInput,
    LoginOutput,
    SessionOutput,
    SessionPage,
)

SESSION_EXAMPLE = {
    "id": "01a1fc61-0203-703c-973a-a31d52667ef1",
    "kind": "user",
    "created_at": "2026-11-20T10:00:00.000000Z",
    "last_seen_at": "2026-11-20T10:12:00.000000Z",
    "expires_at": "2026-11-21T10:00:00.000000Z",
    "client_address": "203.0.113.7",
    "user_agent": "curl/8.10.1",
}


class LoginView(APIView):
    """Exchange e-mail and password for a session."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Log in",
        tags=["auth"],
        auth=[],
        request=LoginInput,
        responses={200: LoginOutput, **problems(400, 401, 429, 503)},
        examples=[
            OpenApiExample(
                "Logged in",
                value={
                    "token": "srs_AaH8do9zcPWjvJdxg0eJtA_...",
                    "device_token": "skd.k1a2b3c4.AZ...",
                    "session": SESSION_EXAMPLE,
                    "account": ACCOUNT_EXAMPLE,
                },
                response_only=True,
            ),
            OpenApiExample(
                "Ada logs in",
                value={"email": "ada@example.org", "password": "correct horse battery staple"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        user = accounts.verify_login(**given(LoginInput, request))
        session, token = services.start_session(user=user)
        return Response(
            {
                "token": token,
                "device_token": accounts.make_device_token(user=user),
                "session": SessionOutput(session).data,
                "account": AccountOutput(user).data,
            }
        )


class LogoutView(APIView):
    """End the session that asks."""

    @extend_schema(
        summary="Log out", tags=["auth"], request=None, responses={204: None, **problems(401)}
    )
    def post(self, request: Request) -> Response:
        services.end_current_session(actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionsView(APIView):
    """The devices one is logged in on."""

    scopes = {"GET": constants.SESSIONS_READ}

    @extend_schema(
        operation_id="sessions_list",
        summary="List my sessions",
        tags=["sessions"],
        parameters=PAGE_PARAMETERS,
        responses={200: SessionPage, **problems(400, 401)},
        examples=[
            OpenApiExample(
                "One device",
                value={"items": [SESSION_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        page = selectors.live_sessions(
            actor=caller(request), asked=PageRequest(request, scope="sessions")
        )
        return Response(page.as_json(lambda session: SessionOutput(session).data))


class SessionView(APIView):
    """One session."""

    @extend_schema(
        summary="End a session",
        tags=["sessions"],
        responses={204: None, **problems(401, 404)},
    )
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        services.end_session(session_id=session_id, actor=caller(request), reason="ended_elsewhere")
        return Response(status=status.HTTP_204_NO_CONTENT)


class OtherSessionsView(APIView):
    """All sessions but the one that asks."""

    @extend_schema(
        summary="End my other sessions",
        tags=["sessions"],
        request=None,
        responses={200: EndedOutput, **problems(401)},
        examples=[OpenApiExample("Two ended", value={"ended": 2}, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        return Response({"ended": services.end_other_sessions(actor=caller(request))})
