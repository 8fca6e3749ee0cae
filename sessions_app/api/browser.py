"""Sessions of browsers: the token in a cookie no script can read, and proof of the page's origin.

A browser adds cookies to whatever any page sends. So an unsafe request with the cookie must carry
the CSRF token, which other pages cannot read, and come from an origin we trust.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token, rotate_token
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from sessions_app import constants
from sessions_app.errors import CsrfFailed, TokenInvalid
from sessions_app.services import Handed

# The prefix binds the cookie to this host, to path / and to TLS (RFC 6265bis, 4.1.3.2).
COOKIE_NAME: Final = "__Host-sid"


def cookie_name() -> str:
    """Return the cookie's name; browsers take a prefixed one over TLS only."""
    return COOKIE_NAME if settings.ENV.is_production_like else "sid"


def token_of(request: Request) -> str | None:
    """Return the session token that came as a cookie.

    Raises:
        TokenInvalid: there are two, and nobody can say which one was meant.
    """
    sent = request.headers.get("Cookie", "").split(";")
    if sum(pair.partition("=")[0].strip() == cookie_name() for pair in sent) > 1:
        raise TokenInvalid("The request carries two session cookies.")
    return request.COOKIES.get(cookie_name())


def set_token(response: Response, token: str) -> None:
    """Give the browser its session, for as long as it stays open."""
    response.set_cookie(
        cookie_name(),
        token,
        secure=settings.ENV.is_production_like,
        httponly=True,
        samesite="Lax",
    )


def clear_token(response: Response) -> None:
    """Take the session away from the browser."""
    response.set_cookie(
        cookie_name(),
        max_age=0,
        secure=settings.ENV.is_production_like,
        httponly=True,
        samesite="Lax",
    )


def remembered_token(request: Request) -> str:
    """Return the token by which this device is remembered; empty without one."""
    return request.COOKIES.get(constants.REMEMBER_NAME, "")


def trusted_token(request: Request) -> str:
    """Return the token by which this device is trusted; empty without one."""
    return request.COOKIES.get(constants.DEVICE_NAME, "")


def keep(response: Response, handed: Handed) -> None:
    """Give the browser a cookie of ours, as its definition says."""
    definition = handed.cookie.definition
    response.set_cookie(
        definition.name,
        handed.token,
        max_age=handed.max_age_s,
        path=definition.path,
        secure=definition.secure,
        httponly=definition.http_only,
        samesite="Lax",
    )


def forget_remembered(response: Response) -> None:
    """Take the token of a remembered device away from the browser."""
    response.set_cookie(
        constants.REMEMBER_NAME, max_age=0, secure=True, httponly=True, samesite="Lax"
    )


def csrf_token(request: Request) -> str:
    """Return the CSRF token that goes with the browser's CSRF cookie, which is set if missing."""
    return get_token(_of_django(request))


def new_csrf_token(request: Request) -> str:
    """Replace the CSRF cookie: what was known before a login is worth nothing after it."""
    rotate_token(_of_django(request))
    return csrf_token(request)


def require_own_page(request: Request) -> None:
    """Let through an unsafe request only with the CSRF token and from an origin we trust.

    Raises:
        CsrfFailed: no token, another one, or another origin.
    """
    if request.method in SAFE_METHODS:
        return
    django_request = _of_django(request)
    check = _CsrfCheck(_never)
    check.process_request(django_request)
    reason: object = check.process_view(django_request, _never, (), {})
    if reason is not None:
        raise CsrfFailed(str(reason))


def _of_django(request: Request) -> HttpRequest:
    """Return the request below: asking REST framework's for its form would parse the body."""
    below: HttpRequest = request._request  # noqa: SLF001 - its own authentication does the same
    return below


class _CsrfCheck(CsrfViewMiddleware):
    """Django's check, answering its reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _never(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the view the check is about
    return HttpResponse()
