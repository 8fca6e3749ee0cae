"""What sessions refuse."""

from __future__ import annotations

from core.errors import NotAuthenticated, NotFound


class TokenInvalid(NotAuthenticated):
    """Malformed, unknown, expired or revoked: the caller is not told which."""

    code = "AUTH_TOKEN_INVALID"
    title = "The session token is not valid"
    challenge = 'Bearer error="invalid_token"'


class SessionNotFound(NotFound):
    code = "SESSION_NOT_FOUND"
    title = "No such session"
