"""One's own account."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants, selectors, services
from accounts.api import examples
from accounts.api.registration_views import ACCEPTED
from accounts.api.serializers import (
    ACCOUNT_EXAMPLE,
    AcceptedOutput,
    AccountOutput,
    EmailInput,
    LinkInput,
    ProfileInput,
)
from core import etags
from core.api import caller, given
from core.openapi import IF_MATCH, problems


class MeView(APIView):
    """The caller's own account."""

    scopes = {"GET": constants.ACCOUNT_READ}

    @extend_schema(
        summary="Show my account",
        tags=["me"],
        responses={200: AccountOutput, **problems(401)},
        examples=[
            OpenApiExample(
                "Ada",
                value=ACCOUNT_EXAMPLE,
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        user = selectors.get_user(user_id=caller(request).user_id, actor=caller(request))
        return Response(AccountOutput(user).data, headers={"ETag": etags.of_version(user.version)})

    @extend_schema(
        summary="Change my account",
        description="A new user name is told by mail. The e-mail address has a path of its own.",
        tags=["me"],
        parameters=[IF_MATCH],
        request=ProfileInput,
        responses={200: AccountOutput, **problems(400, 401, 403, 409, 412, 428)},
        examples=[
            OpenApiExample(
                "A name to log in with",
                value={"username": "ada", "public_metadata": {"theme": "dark"}},
                request_only=True,
            ),
            OpenApiExample("Ada", value=ACCOUNT_EXAMPLE, response_only=True),
        ],
    )
    def patch(self, request: Request) -> Response:
        version = etags.required_version(request)
        user = services.update_profile(
            user_id=caller(request).user_id,
            version=version,
            changes=given(ProfileInput, request),
            actor=caller(request),
        )
        return Response(AccountOutput(user).data, headers={"ETag": etags.of_version(user.version)})


class MyEmailView(APIView):
    """The caller's e-mail address."""

    @extend_schema(
        summary="Change my e-mail address",
        description=(
            "Needs a fresh login. Mails a link to the new address and a notice to the old one; "
            "nothing changes before the link is used. The answer is the same when the new address "
            "has an account already: only its owner is told."
        ),
        tags=["me"],
        request=EmailInput,
        responses={202: AcceptedOutput, **problems(400, 401, 403, 429)},
        examples=[
            OpenApiExample("A new one", value={"email": "ada@example.net"}, request_only=True),
            examples.ACCEPTED,
        ],
    )
    def post(self, request: Request) -> Response:
        services.ask_for_email_change(**given(EmailInput, request), actor=caller(request))
        return Response(ACCEPTED, status=status.HTTP_202_ACCEPTED)


class ConfirmEmailView(APIView):
    """The link that went to the new address."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Confirm a new e-mail address",
        description="Takes the token of the link that was mailed to the new address.",
        tags=["auth"],
        auth=[],
        request=LinkInput,
        responses={204: None, **problems(400, 410)},
        examples=[examples.LINK],
    )
    def post(self, request: Request) -> Response:
        services.confirm_email_change(**given(LinkInput, request))
        return Response(status=status.HTTP_204_NO_CONTENT)
