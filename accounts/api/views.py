"""Registration and one's own account."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants, selectors, services
from accounts.api.serializers import ACCOUNT_EXAMPLE, AccountOutput, RegisterInput, RegisterOutput
from core import etags
from core.api import caller, given
from core.openapi import problems


class RegisterView(APIView):
    """Open an account."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Register",
        description=(
            "Opens an account. The answer is the same whether or not the e-mail address is "
            "already known, so that nobody can find out who has an account here."
        ),
        tags=["auth"],
        auth=[],
        request=RegisterInput,
        responses={202: RegisterOutput, **problems(400, 413, 415)},
        examples=[
            OpenApiExample(
                "A new person",
                value={"email": "ada@example.org", "password": "correct horse battery staple"},
                request_only=True,
            ),
            OpenApiExample("Accepted", value={"status": "accepted"}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        services.register_user(**given(RegisterInput, request))
        return Response({"status": "accepted"}, status=status.HTTP_202_ACCEPTED)


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
