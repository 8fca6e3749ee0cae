"""The list of one's devices."""

from __future__ import annotations

import uuid
from typing import Final

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import caller, given_if_any, listed
from core.openapi import PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS
from core.step_up import require_fresh_login
from sessions_app import constants, selectors, services
from sessions_app.api.serializers import (
    SESSION_EXAMPLE,
    BegunInput,
    EndedOutput,
    GuestOutput,
    SessionOutput,
    SessionPage,
)


class SessionsView(APIView):
    """The devices one is logged in on."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.SESSIONS_READ, "POST": constants.SESSIONS_WRITE}
    takes_no_body = {"POST"}

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
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="sessions",
            fetch=lambda asked: selectors.live_sessions(
                user_id=caller(request).user_id,
                actor=caller(request),
                asked=asked,
            ),
            shape=SessionOutput,
        )

    @extend_schema(
        operation_id="sessions_begin_for_guest",
        summary="Begin a session for a guest, or for a service",
        description=(
            "For services with a key. A session for somebody who has not logged in keeps data and "
            "nothing else; after a login, `attach` takes it over. A session for the service itself "
            "can do what its key can, from where its key can, for an hour: so the key stays in one "
            "place, and machines get tokens that soon end. It ends with the key, and by "
            "`auth/logout`."
        ),
        tags=["sessions"],
        request=BegunInput,
        responses={201: GuestOutput, **problems(400, 401, 403)},
        examples=[
            OpenApiExample("For the service", value={"kind": "service"}, request_only=True),
            OpenApiExample(
                "A guest",
                value={
                    "token": "srs_AaH9do9zcPWjvJdxg0eJtA_...",
                    "session": {**SESSION_EXAMPLE, "kind": "guest"},
                },
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        session, token = _BEGIN[given_if_any(BegunInput, request)["kind"]](actor=caller(request))
        body = {"token": token, "session": SessionOutput(session).data}
        return Response(body, status=status.HTTP_201_CREATED)


_BEGIN: Final = {
    constants.KIND_GUEST: services.start_guest_session,
    constants.KIND_SERVICE: services.start_service_session,
}


class SessionView(APIView):
    """One session."""

    stays_in_read_only = {"DELETE"}

    @extend_schema(
        summary="End a session",
        description="Another one than that which asks needs a fresh login.",
        tags=["sessions"],
        responses={204: None, **problems(401, 404)},
    )
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        if session_id != caller(request).session_id:
            require_fresh_login(caller(request))
        services.end_session(session_id=session_id, actor=caller(request), reason="ended_elsewhere")
        return Response(status=status.HTTP_204_NO_CONTENT)


class OtherSessionsView(APIView):
    """All sessions but the one that asks."""

    stays_in_read_only = {"POST"}

    @extend_schema(
        summary="End my other sessions",
        description="Needs a fresh login.",
        tags=["sessions"],
        request=None,
        responses={200: EndedOutput, **problems(401)},
        examples=[OpenApiExample("Two ended", value={"ended": 2}, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        require_fresh_login(caller(request))
        return Response({"ended": services.end_other_sessions(actor=caller(request))})


class AllSessionsView(APIView):
    """All sessions, the one that asks too."""

    stays_in_read_only = {"POST"}

    @extend_schema(
        summary="End all my sessions",
        description="Needs a fresh login. Logs the caller out as well.",
        tags=["sessions"],
        request=None,
        responses={200: EndedOutput, **problems(401)},
        examples=[OpenApiExample("Three ended", value={"ended": 3}, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        require_fresh_login(caller(request))
        return Response({"ended": services.end_all_sessions(actor=caller(request))})
