"""The second half of a login, logins by passkey alone, and proving again who one is."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import constants
from accounts import services as accounts
from accounts.api.factor_serializers import CREDENTIAL_EXAMPLE
from accounts.services import Question
from core.api import caller, given
from core.openapi import problems
from sessions_app import services
from sessions_app.api.handover import FRESH_EXAMPLE, LOGIN_EXAMPLE, Handover, renewed
from sessions_app.api.serializers import (
    ChallengeOutput,
    FactorInput,
    FactorLoginInput,
    FreshOutput,
    LoginOutput,
    PasskeyChallengeOutput,
    PasskeyLoginInput,
    PasswordInput,
)

CHALLENGE = "smc_AaH8do9zcPWjvJdxg0eJtA_..."
_PASSKEY_OPTIONS = {"challenge": "...", "rpId": "strongroom.example", "allowCredentials": []}
CHALLENGE_EXAMPLE = {
    "status": "mfa_required",
    "challenge": CHALLENGE,
    "expires_at": "2026-11-20T10:05:00.000000Z",
    "methods": ["totp", "recovery_code"],
    "passkey": None,
}
ASKED = OpenApiExample(
    "Asked for a second factor",
    value=CHALLENGE_EXAMPLE,
    response_only=True,
    status_codes=["202"],
)
_CODE = OpenApiExample(
    "A code", value={"challenge": CHALLENGE, "code": "287082"}, request_only=True
)
_PASSKEY = OpenApiExample(
    "A passkey",
    value={"challenge": CHALLENGE, "credential": CREDENTIAL_EXAMPLE},
    request_only=True,
)
_LOGGED_IN = OpenApiExample("Logged in", value=LOGIN_EXAMPLE, response_only=True)
_FRESH = OpenApiExample("Fresh", value=FRESH_EXAMPLE, response_only=True, status_codes=["200"])


def asked(question: Question) -> Response:
    """Answer that the password was right and a second factor is needed."""
    body = {"status": "mfa_required", "challenge": question.token, **_about(question)}
    return Response(ChallengeOutput(body).data, status=status.HTTP_202_ACCEPTED)


def _about(question: Question) -> dict[str, object]:
    return {
        "expires_at": question.expires_at,
        "methods": question.methods,
        "passkey": question.passkey,
    }


class VerifyFactorView(APIView):
    """The second half of a login."""

    stays_in_read_only = {"POST"}
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Answer with a second factor",
        description=(
            "Goes on with a login that was answered `mfa_required`: give a code of an "
            "authenticator app, a recovery code, or what the browser answered for a passkey. A "
            "challenge takes five answers within five minutes."
        ),
        tags=["auth"],
        auth=[],
        request=FactorLoginInput,
        responses={200: LoginOutput, **problems(400, 401, 403, 429)},
        examples=[_CODE, _PASSKEY, _LOGGED_IN],
    )
    def post(self, request: Request) -> Response:
        return _log_in(request, given(FactorLoginInput, request), purpose=constants.LOGIN)


class PasskeyOptionsView(APIView):
    """The first half of a login by passkey alone."""

    stays_in_read_only = {"POST"}
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Begin to log in with a passkey",
        description=(
            "No e-mail or password is needed: the passkey says who it belongs to. The same "
            "answer for everybody."
        ),
        tags=["auth"],
        auth=[],
        request=None,
        responses={200: PasskeyChallengeOutput, **problems(429)},
        examples=[
            OpenApiExample(
                "What to ask the browser",
                value={
                    "challenge": CHALLENGE,
                    "expires_at": "2026-11-20T10:05:00.000000Z",
                    "passkey": _PASSKEY_OPTIONS,
                },
                response_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        question = accounts.ask_for_passkey()
        body = {"challenge": question.token, **_about(question)}
        return Response(PasskeyChallengeOutput(body).data)


class PasskeyLoginView(APIView):
    """The second half of it."""

    stays_in_read_only = {"POST"}
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Log in with a passkey",
        description="A passkey verifies its user, so it counts as two factors.",
        tags=["auth"],
        auth=[],
        request=PasskeyLoginInput,
        responses={200: LoginOutput, **problems(400, 401, 403, 429)},
        examples=[_PASSKEY, _LOGGED_IN],
    )
    def post(self, request: Request) -> Response:
        return _log_in(request, given(PasskeyLoginInput, request), purpose=constants.PASSKEY_LOGIN)


class ReauthenticateView(APIView):
    """A fresh login without leaving the session."""

    stays_in_read_only = {"POST"}
    settles = {"factor", "password"}

    @extend_schema(
        summary="Prove again who I am",
        description=(
            "What can hurt most asks for a login of a moment ago "
            '(`error="insufficient_user_authentication"`). This makes the session fresh and '
            "answers a new token; the one before ends. Whoever has a second factor is asked for "
            "it: go on with auth/reauthenticate/verify."
        ),
        tags=["auth"],
        request=PasswordInput,
        responses={200: FreshOutput, 202: ChallengeOutput, **problems(400, 401, 403, 429, 503)},
        examples=[
            OpenApiExample(
                "The password",
                value={"password": "correct horse battery staple"},
                request_only=True,
            ),
            _FRESH,
            ASKED,
        ],
    )
    def post(self, request: Request) -> Response:
        proved = services.prove_again(**given(PasswordInput, request), actor=caller(request))
        if isinstance(proved, Question):
            return asked(proved)
        return renewed(request, *proved)


class ReauthenticateVerifyView(APIView):
    """The second half of it."""

    stays_in_read_only = {"POST"}
    settles = {"factor", "password"}

    @extend_schema(
        summary="Prove it with a second factor",
        tags=["auth"],
        request=FactorInput,
        responses={200: FreshOutput, **problems(400, 401, 403, 429)},
        examples=[_CODE, _PASSKEY, _FRESH],
    )
    def post(self, request: Request) -> Response:
        answer = given(FactorInput, request)
        return renewed(request, *services.finish_proof(**answer, actor=caller(request)))


def _log_in(request: Request, answer: dict[str, Any], *, purpose: str) -> Response:
    handover = Handover(request, answer)
    user = accounts.answer_challenge(token=answer.pop("challenge"), purpose=purpose, **answer)
    return handover.begin(user, assurance_level=2)
