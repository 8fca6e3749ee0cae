"""Getting an account: register, prove the address."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api import examples
from accounts.api.serializers import AcceptedOutput, EmailInput, LinkInput, RegisterInput
from core.api import given
from core.openapi import problems

ACCEPTED = {"status": "accepted"}


class RegisterView(APIView):
    """Open an account."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Register",
        description=(
            "Opens an account and mails a link that makes it usable. The answer is the same "
            "whether or not the e-mail address is already known, so that nobody can find out who "
            "has an account here; the owner of a known address gets a mail instead."
        ),
        tags=["auth"],
        auth=[],
        request=RegisterInput,
        responses={202: AcceptedOutput, **problems(400, 409, 413, 415, 429, 503)},
        examples=[
            OpenApiExample(
                "A new person",
                value={"email": "ada@example.org", "password": "correct horse battery staple"},
                request_only=True,
            ),
            examples.ACCEPTED,
        ],
    )
    def post(self, request: Request) -> Response:
        services.register_user(**given(RegisterInput, request))
        return Response(ACCEPTED, status=status.HTTP_202_ACCEPTED)


class VerifyEmailView(APIView):
    """Prove an address."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Verify an e-mail address",
        description="Takes the token of the mailed link. From then on the person can log in.",
        tags=["auth"],
        auth=[],
        request=LinkInput,
        responses={204: None, **problems(400, 410)},
        examples=[examples.LINK],
    )
    def post(self, request: Request) -> Response:
        services.verify_email(**given(LinkInput, request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendVerificationView(APIView):
    """Ask for another link."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Send the verification link again",
        description="The same answer for everybody; older links stop working.",
        tags=["auth"],
        auth=[],
        request=EmailInput,
        responses={202: AcceptedOutput, **problems(400, 429)},
        examples=[examples.EMAIL, examples.ACCEPTED],
    )
    def post(self, request: Request) -> Response:
        services.ask_for_verification(**given(EmailInput, request))
        return Response(ACCEPTED, status=status.HTTP_202_ACCEPTED)
