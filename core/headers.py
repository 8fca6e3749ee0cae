"""What every answer tells the browser, whatever made it: a view, a middleware, a crash."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core import errors

# An answer that is no page needs nothing, and nobody may frame it.
NO_PAGE_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), "
        "microphone=(), payment=(), usb=()"
    ),
}
TIMEOUT_S: Final = re.compile(r"[1-9][0-9]{0,3}")
API_PREFIX: Final = "/api/"


def harden(response: HttpResponseBase) -> None:
    """Add what Django's own middlewares did not get to see, and close what is not a page."""
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if settings.SECURE_HSTS_SECONDS:
        response.headers.setdefault(
            "Strict-Transport-Security",
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload",
        )
    if not is_page(response):
        response["Content-Security-Policy"] = NO_PAGE_POLICY


def is_page(response: HttpResponseBase) -> bool:
    """Return whether a browser would show the answer as a page."""
    return response.get("Content-Type", "").startswith("text/html")


def require_sound(request: HttpRequest) -> None:
    """Refuse a request that cannot be trusted to be what it looks like.

    Raises:
        HostInvalid: no Host, a strange one, or a target that names another one.
        HttpsRequired: the API over http where only https is served.
        HeaderInvalid: ``X-Request-Timeout`` is no number of seconds.
    """
    _require_host(request)
    is_api = request.path_info.startswith(API_PREFIX)
    if is_api and settings.ENV.is_production_like and not request.is_secure():
        raise errors.HttpsRequired("The credentials of this request crossed the net in clear.")
    timeout = request.headers.get("X-Request-Timeout")
    if timeout is not None and not TIMEOUT_S.fullmatch(timeout):
        raise errors.HeaderInvalid("X-Request-Timeout must be whole seconds, from 1 to 9999.")


def _require_host(request: HttpRequest) -> None:
    """Hold the request to RFC 9112, section 3.2: one Host, and a target that agrees with it."""
    try:
        host = request.get_host()
    except DisallowedHost as exc:
        raise errors.HostInvalid("This service does not answer to that name.") from exc
    is_http_1_1 = request.META.get("SERVER_PROTOCOL") == "HTTP/1.1"
    if is_http_1_1 and "HTTP_HOST" not in request.META and "RAW_URI" in request.META:
        raise errors.HostInvalid("HTTP/1.1 requires a Host header.")
    target = request.META.get("RAW_URI", "/")
    if not target.startswith(("/", "*")) and urlsplit(target).netloc.lower() != host.lower():
        raise errors.HostInvalid("The target names another host than the Host header.")
