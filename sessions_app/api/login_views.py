"""Login, refresh, logout."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from typing_extensions import override

from accounts import services as accounts
from core.api import caller, given
from core.openapi import problems
from sessions_app import constants, selectors, services
from sessions_app.api import browser
from sessions_app.api.authentication import bearer_token
from sessions_app.api.factor_views import ASKED, asked
from sessions_app.api.handover import LOGIN_EXAMPLE, Handover, as_json, come_back
from sessions_app.api.serializers import (
    SESSION_EXAMPLE,
    ChallengeOutput,
    CsrfOutput,
    LoginInput,
    LoginOutput,
    RefreshInput,
    RefreshOutput,
)
from sessions_app.errors import TokenInvalid


class LoginView(APIView):
    """Exchange e-mail and password for a session."""

    stays_in_read_only = {"POST"}
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Log in",
        description=(
            "Answers a session token to send as a bearer token. With `refresh`, the token is "
            "short-lived and comes with a refresh token. With `cookie`, it is set as a cookie. "
            "Whoever has a second factor is asked for it first: go on with auth/mfa/verify."
        ),
        tags=["auth"],
        auth=[],
        request=LoginInput,
        responses={200: LoginOutput, 202: ChallengeOutput, **problems(400, 401, 403, 429, 503)},
        examples=[
            OpenApiExample(
                "Logged in", value=LOGIN_EXAMPLE, response_only=True, status_codes=["200"]
            ),
            ASKED,
            OpenApiExample(
                "Ada logs in",
                value={"email": "ada@example.org", "password": "correct horse battery staple"},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        given_login = given(LoginInput, request)
        handover = Handover(request, given_login)
        user = accounts.verify_login(**given_login)
        trusted = handover.needs_no_factor(user)
        if trusted is not None:
            return trusted
        question = accounts.ask_for_factor(user=user)
        return asked(question) if question else handover.begin(user)


class RememberedView(APIView):
    """Come back without a password."""

    stays_in_read_only = {"POST"}
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Log in on a remembered device",
        description=(
            "For a browser that logged in with `remember`: its cookie begins a session and is "
            "replaced. The session has the level of one factor and is never fresh: what could "
            "hurt asks for a login first. 204: this browser is not remembered. Needs the CSRF "
            "token of auth/csrf in X-CSRFToken."
        ),
        tags=["auth"],
        auth=[],
        request=None,
        responses={200: LoginOutput, 204: None, **problems(401, 403)},
        examples=[OpenApiExample("Back again", value=LOGIN_EXAMPLE, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        if not browser.remembered_token(request):
            return Response(status=status.HTTP_204_NO_CONTENT)
        return come_back(request)


class RefreshView(APIView):
    """Renew a bearer token."""

    stays_in_read_only = {"POST"}
    authentication_classes = []
    permission_classes = [AllowAny]
    # The token says who asks: many people behind one address are no stranger. The middleware
    # counts the false ones.
    throttle_classes = []

    @extend_schema(
        summary="Refresh a token",
        description=(
            "Answers a new bearer token and the refresh token to use next time; the ones before "
            "end. Repeated within a few seconds, the answer is the same, so parallel requests and "
            "lost answers do no harm. Used again later, it ends the session: somebody has a copy."
        ),
        tags=["auth"],
        auth=[],
        request=RefreshInput,
        responses={200: RefreshOutput, **problems(400, 401)},
        examples=[
            OpenApiExample(
                "A refresh token",
                value={"refresh_token": "srr_AaH8do9zcPWjvJdxg0eJtA_..._4_..._..."},
                request_only=True,
            ),
            OpenApiExample(
                "Renewed",
                value={
                    "token": "srs_AaH8do9zcPWjvJdxg0eJtA_...",
                    "expires_in": 584,
                    "refresh_token": "srr_AaH8do9zcPWjvJdxg0eJtA_..._5_..._...",
                    "session": SESSION_EXAMPLE,
                },
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        presented = given(RefreshInput, request)["refresh_token"]
        return Response(as_json(services.refresh_session(token=presented)))


class CsrfView(APIView):
    """What a page needs before it may send anything unsafe with a cookie."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        summary="Get a CSRF token",
        description="Sets the CSRF cookie and answers the token for the header `X-CSRFToken`.",
        tags=["auth"],
        auth=[],
        responses={200: CsrfOutput},
        examples=[OpenApiExample("A token", value={"csrf_token": "Lk3..."}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        return Response({"csrf_token": browser.csrf_token(request)})


class LogoutView(APIView):
    """End the session that asks; a session that has ended is logged out already."""

    stays_in_read_only = {"POST"}
    open_to_guests = True
    open_to_impersonators = True
    settles = {"factor", "password"}
    # The session of a service; a key itself has none to end.
    scopes = {"POST": constants.SESSIONS_WRITE}

    @extend_schema(
        summary="Log out",
        description=(
            "Answers alike when the session of this token has ended before. An API key itself "
            "has none."
        ),
        tags=["auth"],
        request=None,
        responses={204: None, **problems(401, 404)},
    )
    def post(self, request: Request) -> Response:
        services.end_current_session(actor=caller(request))
        return self._logged_out(request)

    @override
    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, TokenInvalid):
            token = bearer_token(self.request) or browser.token_of(self.request) or ""
            if selectors.is_of_ended_session(token):
                return self._logged_out(self.request)
        return super().handle_exception(exc)

    def _logged_out(self, request: Request) -> Response:
        response = Response(status=status.HTTP_204_NO_CONTENT)
        browser.clear_token(response)
        remembered = browser.remembered_token(request)
        if remembered:
            services.forget_device(token=remembered)
            browser.forget_remembered(response)
        return response
