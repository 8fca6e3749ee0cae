"""Getting a new password: forgotten, or known and to be replaced."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api import examples
from accounts.api.registration_views import ACCEPTED
from accounts.api.serializers import (
    AcceptedOutput,
    ChangePasswordInput,
    EmailInput,
    ResetPasswordInput,
)
from core.api import caller, given
from core.openapi import problems


class ForgotPasswordView(APIView):
    """Ask for a link."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Forgot the password",
        description="Mails a link to whoever has this address. The same answer for everybody.",
        tags=["auth"],
        auth=[],
        request=EmailInput,
        responses={202: AcceptedOutput, **problems(400, 429)},
        examples=[examples.EMAIL, examples.ACCEPTED],
    )
    def post(self, request: Request) -> Response:
        services.ask_for_reset(**given(EmailInput, request))
        return Response(ACCEPTED, status=status.HTTP_202_ACCEPTED)


class ResetPasswordView(APIView):
    """Use the link."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Choose a new password by link",
        description=(
            "Ends every session. Second factors stay: the next login asks for them. A password "
            "that is refused as weak leaves the link usable."
        ),
        tags=["auth"],
        auth=[],
        request=ResetPasswordInput,
        responses={204: None, **problems(400, 410)},
        examples=[examples.LINK_AND_PASSWORD],
    )
    def post(self, request: Request) -> Response:
        services.reset_password(**given(ResetPasswordInput, request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChangePasswordView(APIView):
    """Replace a password one knows."""

    settles = {"password"}

    @extend_schema(
        summary="Change my password",
        description="Needs a fresh login and the old password; ends all other sessions.",
        tags=["auth"],
        request=ChangePasswordInput,
        responses={204: None, **problems(400, 401, 403, 429)},
        examples=[
            OpenApiExample(
                "A new one",
                value={
                    "old_password": "correct horse battery staple",
                    "password": "a completely different sentence",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        services.change_password(**given(ChangePasswordInput, request), actor=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
