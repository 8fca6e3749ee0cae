"""The list of one's devices."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import caller
from core.openapi import PAGE_PARAMETERS, problems
from core.pagination import PageRequest
from sessions_app import constants, selectors, services
from sessions_app.api.serializers import (
    SESSION_EXAMPLE,
    EndedOutput,
    SessionOutput,
    SessionPage,
)


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
            user_id=caller(request).user_id,
            actor=caller(request),
            asked=PageRequest(request, scope="sessions"),
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
