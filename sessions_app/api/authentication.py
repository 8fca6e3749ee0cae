"""Who is calling: the token or API key of ``Authorization``, or else a browser's cookie."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from typing_extensions import override

from accounts import key_format
from accounts import services as accounts
from core import context
from core.principals import Principal
from sessions_app import services
from sessions_app.api import browser
from sessions_app.errors import TokenInvalid

SCHEME = "bearer"
JWT_DOTS = 2


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <session token, API key or JWT>`` (RFC 6750, section 2.1)."""

    @override
    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        token = bearer_token(request)
        if token is None:
            return None
        principal = _holder_of(token)
        context.current().principal = principal
        return principal, None

    @override
    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def bearer_token(request: Request) -> str | None:
    """Return what ``Authorization`` carries, if there is one.

    Raises:
        TokenInvalid: it is of another kind.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != SCHEME:
        raise TokenInvalid("Send Authorization: Bearer with a session token.")
    return token.strip()


def _holder_of(credential: str) -> Principal:
    """Return who ``credential`` speaks for; its first letters say who is asked."""
    if credential.startswith(key_format.PREFIX):
        return accounts.authenticate_key(credential)
    if credential.count(".") == JWT_DOTS:
        return services.authenticate_access_token(credential)
    return services.authenticate(credential)


class CookieAuthentication(BaseAuthentication):
    """The session cookie, with a CSRF token on unsafe methods.

    Comes after :class:`BearerAuthentication`, which lets nothing pass that has an
    ``Authorization`` header: two credentials are never merged.
    """

    @override
    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        token = browser.token_of(request)
        if token is None:
            return None
        principal = services.authenticate(token)
        browser.require_own_page(request)
        context.current().principal = principal
        return principal, None


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped metaclass
    """Describes the scheme in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "sessionToken"

    @override
    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "opaque"}


class CookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped metaclass
    """Describes the scheme in the OpenAPI document."""

    target_class = CookieAuthentication
    name = "sessionCookie"

    @override
    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": browser.COOKIE_NAME}
