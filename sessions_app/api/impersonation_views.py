"""Staff who act as a person."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import caller, given
from core.openapi import problems
from sessions_app import services
from sessions_app.api.serializers import (
    SESSION_EXAMPLE,
    GuestOutput,
    ImpersonateInput,
    SessionOutput,
)


class ImpersonateView(APIView):
    """Begin to act as a person."""

    @extend_schema(
        summary="Act as a person",
        description=(
            "For staff with the permission, after a fresh login. Answers a token of a session that "
            "may look at everything of the person and change next to nothing; it ends after half "
            "an hour, and with the session that asked. The person is told by mail."
        ),
        tags=["users"],
        request=ImpersonateInput,
        responses={201: GuestOutput, **problems(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "A reason",
                value={"reason": "Ticket 4711: cannot find a transfer"},
                request_only=True,
            ),
            OpenApiExample(
                "Begun",
                value={
                    "token": "srs_AaH8do9zcPWjvJdxg0eJtA_...",
                    "session": {**SESSION_EXAMPLE, "kind": "impersonation"},
                },
                response_only=True,
                status_codes=["201"],
            ),
        ],
    )
    def post(self, request: Request, user_id: uuid.UUID) -> Response:
        session, token = services.start_impersonation(
            user_id=user_id, **given(ImpersonateInput, request), actor=caller(request)
        )
        body = {"token": token, "session": SessionOutput(session).data}
        return Response(body, status=status.HTTP_201_CREATED)


class ImpersonationView(APIView):
    """The session in which one acts as somebody."""

    stays_in_read_only = {"DELETE"}
    open_to_impersonators = True

    @extend_schema(
        summary="Stop acting as a person",
        tags=["users"],
        responses={204: None, **problems(401, 403)},
    )
    def delete(self, request: Request) -> Response:
        services.end_impersonation(actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
