"""The web process: gunicorn's threads, whose own refusals look like all our others."""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import Any, Final

from gunicorn import util
from gunicorn.http import errors as wire
from gunicorn.workers.gthread import ThreadWorker
from typing_extensions import override

from core import ids

# What is refused before there is a request that Django could see; the rest is just malformed.
_REFUSALS: Final[dict[type[Exception], tuple[HTTPStatus, str]]] = {
    wire.LimitRequestLine: (HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long."),
    wire.LimitRequestHeaders: (
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "There are too many headers, or one of them is too long.",
    ),
    wire.UnsupportedTransferCoding: (
        HTTPStatus.NOT_IMPLEMENTED,
        "The transfer coding is not supported.",
    ),
    wire.ExpectationFailed: (HTTPStatus.EXPECTATION_FAILED, "Only 100-continue may be expected."),
    wire.ParseException: (HTTPStatus.BAD_REQUEST, "The request is not valid HTTP."),
}


class ProblemWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Answers what cannot be parsed with a problem document instead of a page."""

    @override
    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Refuse the request and close; called by gunicorn for whatever was raised below it."""
        known = next((kind for kind in _REFUSALS if isinstance(exc, kind)), None)
        if known is None:
            self.log.error("request_failed", exc_info=exc)
            status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "The error was recorded."
        else:
            status, detail = _REFUSALS[known]
            self.log.warning("malformed_request %s", known.__name__)
        try:
            util.write_nonblock(client, _answer(status, detail))
        except OSError:
            self.log.debug("The client did not wait for its refusal.")


def _answer(status: HTTPStatus, detail: str) -> bytes:
    from core import problems  # noqa: PLC0415 - it needs Django, which gunicorn has not set up yet

    request_id = str(ids.uuid7())
    body = problems.without_request(status, detail, request_id)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        f"X-Request-ID: {request_id}\r\n\r\n"
    )
    return head.encode("ascii") + body
