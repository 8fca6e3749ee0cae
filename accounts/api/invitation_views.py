"""Invitations: made, listed and withdrawn by staff, accepted by whoever reads the mailbox."""

from __future__ import annotations

import uuid

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants, selectors, services
from accounts.api import examples
from accounts.api import people_serializers as shapes
from accounts.api.people_views import INVITE, WHY, reason_in_query
from core.api import answer_once, caller, given, listed
from core.openapi import IDEMPOTENCY_KEY, PAGE_PARAMETERS, problems
from core.renderers import LIST_RENDERERS

INVITATION = OpenApiExample("Open", value=shapes.INVITATION_EXAMPLE, response_only=True)


class InvitationsView(APIView):
    """The open invitations."""

    renderer_classes = LIST_RENDERERS
    scopes = {"GET": constants.USERS_READ, "POST": constants.USERS_WRITE}

    @extend_schema(
        operation_id="invitations_list",
        summary="List open invitations",
        tags=["invitations"],
        parameters=PAGE_PARAMETERS,
        responses={200: shapes.InvitationPage, **problems(400, 401, 403)},
        examples=[
            OpenApiExample(
                "One",
                value={"items": [shapes.INVITATION_EXAMPLE], "next": None, "previous": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        return listed(
            request,
            scope="invitations",
            fetch=lambda asked: selectors.invitations(actor=caller(request), asked=asked),
            shape=shapes.InvitationOutput,
        )

    @extend_schema(
        summary="Invite somebody",
        description="The same as adding a person; a second invitation replaces the first.",
        tags=["invitations"],
        parameters=[IDEMPOTENCY_KEY],
        request=shapes.InviteInput,
        responses={201: shapes.InvitationOutput, **problems(400, 401, 403, 409, 429)},
        examples=[INVITE, INVITATION],
    )
    def post(self, request: Request) -> Response:
        wanted = given(shapes.InviteInput, request)
        return answer_once(
            request,
            lambda: shapes.InvitationOutput(services.invite(**wanted, actor=caller(request))).data,
        )


class InvitationView(APIView):
    """One invitation."""

    scopes = {"DELETE": constants.USERS_WRITE}

    @extend_schema(
        summary="Withdraw an invitation",
        tags=["invitations"],
        parameters=[WHY],
        responses={204: None, **problems(400, 401, 403, 404)},
    )
    def delete(self, request: Request, invitation_id: uuid.UUID) -> Response:
        services.withdraw_invitation(
            invitation_id=invitation_id,
            reason=reason_in_query(request),
            actor=caller(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class AcceptInvitationView(APIView):
    """The link."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Accept an invitation",
        description="Takes the token of the mailed link and the password one wants to have.",
        tags=["invitations"],
        auth=[],
        request=shapes.AcceptInput,
        responses={204: None, **problems(400, 410)},
        examples=[examples.LINK_AND_PASSWORD],
    )
    def post(self, request: Request) -> Response:
        services.accept_invitation(**given(shapes.AcceptInput, request))
        return Response(status=status.HTTP_204_NO_CONTENT)
