"""Who is calling: the session token or API key of ``Authorization``."""

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
from sessions_app.errors import TokenInvalid

SCHEME = "bearer"


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <session token or API key>`` (RFC 6750, section 2.1)."""

    @override
    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != SCHEME:
            raise TokenInvalid("Send Authorization: Bearer with a session token.")
        principal = _holder_of(token.strip())
        context.current().principal = principal
        return principal, None

    @override
    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _holder_of(credential: str) -> Principal:
    """Return who ``credential`` speaks for; its first letters say who is asked."""
    if credential.startswith(key_format.PREFIX):
        return accounts.authenticate_key(credential)
    return services.authenticate(credential)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped metaclass
    """Describes the scheme in the OpenAPI document."""

    target_class = BearerAuthentication
    name = "sessionToken"

    @override
    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "opaque"}
