"""What sessions refuse."""

from __future__ import annotations

from core.errors import DomainError, NotAuthenticated, NotFound


class TokenInvalid(NotAuthenticated):
    """Malformed, unknown, expired or revoked: the caller is not told which."""

    code = "AUTH_TOKEN_INVALID"
    title = "The session token is not valid"
    challenge = 'Bearer error="invalid_token"'


class SessionNotFound(NotFound):
    code = "SESSION_NOT_FOUND"
    title = "No such session"


class TokenExpired(NotAuthenticated):
    """A token of ours whose own time is over, while what it speaks for may go on: renew it."""

    code = "AUTH_TOKEN_EXPIRED"
    title = "The token has expired"
    challenge = 'Bearer error="invalid_token", error_description="expired"'


class RefreshRefused(NotAuthenticated):
    """Malformed, forged, expired, ended or used before (OAuth's ``invalid_grant``)."""

    code = "AUTH_REFRESH_REFUSED"
    title = "The refresh token is not valid"
    challenge = 'Bearer error="invalid_token"'


class CsrfFailed(DomainError):
    """A cookie came with an unsafe request, but no proof that the page sending it is ours."""

    code = "AUTH_CSRF_FAILED"
    status = 403
    title = "CSRF verification failed"
