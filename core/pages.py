"""Django's middlewares for pages, out of the way of the API, which does without them.

The API knows its callers by itself, keeps nothing in a session of Django's, and says nothing in
messages; what its answers tell the browser is :mod:`core.headers`.
"""

from __future__ import annotations

from collections.abc import Callable

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from typing_extensions import override

from core import headers


class _ForPages:
    """Lets requests of the API pass by the middleware it is mixed into."""

    get_response: Callable[[HttpRequest], HttpResponseBase]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer ``request``."""
        if request.path_info.startswith(headers.API_PREFIX):
            return self.get_response(request)
        answer: HttpResponseBase = super().__call__(request)  # type: ignore[misc]  # the mixed-in one
        return answer


class PageSessions(_ForPages, SessionMiddleware):  # type: ignore[misc]  # of the stubs' __call__
    """The session of a member of staff in the admin."""


class PageUsers(_ForPages, AuthenticationMiddleware):  # type: ignore[misc]  # as above
    """Who is logged in to the admin."""


class PageMessages(_ForPages, MessageMiddleware):  # type: ignore[misc]  # as above
    """What the admin tells after a form was sent."""


class PagePolicy(CSPMiddleware):
    """What a page may load; other answers may load nothing, see :func:`core.headers.harden`."""

    @override
    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add the policy to a page."""
        if not headers.is_page(response):
            return response
        return super().process_response(request, response)
