"""How a session that begins reaches its client: a token, a refresh token beside it, a cookie."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services as accounts
from accounts.api.serializers import ACCOUNT_EXAMPLE, AccountOutput
from accounts.models import User
from accounts.selectors import notices_to_accept
from core import clock
from sessions_app import services
from sessions_app.api import browser
from sessions_app.api.serializers import SESSION_EXAMPLE, SessionOutput
from sessions_app.models import Session
from sessions_app.services import Grant

LOGIN_EXAMPLE = {
    "token": "srs_AaH8do9zcPWjvJdxg0eJtA_...",
    "device_token": "skd.k1a2b3c4.AZ...",
    "session": SESSION_EXAMPLE,
    "account": ACCOUNT_EXAMPLE,
    "needs_consent": [{"kind": "privacy", "version": 2}],
}


FRESH_EXAMPLE = {"token": "srs_AaH8do9zcPWjvJdxg0eJtA_...", "session": SESSION_EXAMPLE}


class Handover:
    """What one request asked for. A login by a page of somebody else's is refused right here."""

    def __init__(self, request: Request, wishes: dict[str, Any]) -> None:
        """Take out of ``wishes``, the members of a body, how the session is to be handed over."""
        self._request = request
        self._refresh: bool = wishes.pop("refresh")
        self._cookie: bool = wishes.pop("cookie")
        self._remember: bool = wishes.pop("remember")
        self._trust: bool = wishes.pop("trust_device")
        if self._cookie:
            browser.require_own_page(request)

    def needs_no_factor(self, user: User) -> Response | None:
        """Log in who comes on a device they trust, having proved one thing; ``None`` for others."""
        token = browser.trusted_token(self._request) if self._cookie else ""
        handed = services.trusted_device(user=user, token=token) if token else None
        if handed is None:
            return None
        response = self.begin(user)
        browser.keep(response, handed)
        return response

    def begin(self, user: User, *, assurance_level: int = 1) -> Response:
        """Begin a session of ``user``, who has just proved who they are, and answer with it."""
        body: dict[str, Any] = {
            "device_token": accounts.make_device_token(user=user),
            "account": AccountOutput(user).data,
            "needs_consent": notices_to_accept(user_id=user.pk),
        }
        if self._refresh:
            grant = services.start_refreshed_session(user=user, assurance_level=assurance_level)
            return Response({**as_json(grant), **body})
        session, token = services.start_session(user=user, assurance_level=assurance_level)
        body["session"] = SessionOutput(session).data
        if not self._cookie:
            return Response({"token": token, **body})
        response = in_browser(self._request, token, body)
        if self._remember:
            browser.keep(response, services.remember_device(user=user))
        if self._trust and assurance_level > 1:
            browser.keep(response, services.trust_device(user=user))
        return response


def in_browser(request: Request, token: str, body: dict[str, Any]) -> Response:
    """Answer with a session whose token only the browser keeps, and a new CSRF token."""
    response = Response({"token": "", "csrf_token": browser.new_csrf_token(request), **body})
    browser.set_token(response, token)
    return response


def come_back(request: Request) -> Response:
    """Begin a session by the cookie of a remembered device.

    Raises:
        CsrfFailed: another page sent it.
        CookieInvalid: not a remembered device.
    """
    browser.require_own_page(request)
    token = browser.remembered_token(request)
    session, session_token, handed = services.resume_session(token=token)
    user = User.objects.get(pk=session.user_id)
    body = {
        "device_token": accounts.make_device_token(user=user),
        "account": AccountOutput(user).data,
        "needs_consent": notices_to_accept(user_id=user.pk),
        "session": SessionOutput(session).data,
    }
    response = in_browser(request, session_token, body)
    browser.keep(response, handed)
    return response


def renewed(request: Request, session: Session, token: str) -> Response:
    """Answer with the new token of the session that asks, the way it held the one before."""
    is_cookie = request.headers.get("Authorization") is None
    response = Response(
        {"token": "" if is_cookie else token, "session": SessionOutput(session).data}
    )
    if is_cookie:
        browser.set_token(response, token)
    return response


def as_json(grant: Grant) -> dict[str, Any]:
    """Return what a client keeps of a refreshed session."""
    ends_at = grant.session.token_expires_at
    assert ends_at is not None, "a session with a refresh token has one"
    return {
        "token": grant.token,
        "expires_in": max(0, int((ends_at - clock.now()).total_seconds())),
        "refresh_token": grant.refresh_token,
        "session": SessionOutput(grant.session).data,
    }
