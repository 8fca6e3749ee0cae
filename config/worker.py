"""The web process: gunicorn's threads, whose own refusals look like all our others.

Told to stop, it first says so at /health/ready and goes on working for STOP_DELAY_S, so that a
balancer that asks sends no more; then it takes what already waits at the door, closes the door, and
finishes. While the door is still open nobody who came in is left standing.
"""

from __future__ import annotations

import mmap
import signal
import socket
import threading
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


# How often all workers have been replaced (SIGHUP), shared by the master and its workers.
_generation: Final = mmap.mmap(-1, 1)


def replace_all() -> None:
    """Tell running workers that what ends them is a reload: others take over at the same door."""
    _generation[0] = (_generation[0] + 1) % 256


class ProblemWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Answers what cannot be parsed with a problem document, and leaves nobody standing."""

    @override
    def init_process(self) -> None:
        """Remember which generation this worker belongs to, and serve."""
        self.generation = _generation[0]
        super().init_process()

    @override
    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop (SIGTERM): unready first, then closed to new connections."""
        from django.conf import settings  # noqa: PLC0415 - gunicorn sets Django up later

        from core import health  # noqa: PLC0415 - as above

        if self.generation != _generation[0]:
            super().handle_exit(sig, frame)
            return
        health.begin_to_stop()
        stop = threading.Timer(settings.ENV.stop_delay_s, super().handle_exit, (sig, frame))
        stop.daemon = True
        stop.start()

    def heed_what_came_early(self) -> None:
        """Stop if that was asked between the fork and now, when the master's handler took it."""
        while not self.told_early.empty():
            if self.told_early.get_nowait() == signal.SIGTERM:
                self.handle_exit(signal.SIGTERM, None)

    @override
    def set_accept_enabled(self, enabled: bool) -> None:
        """Open or close the door; a worker that ends serves all who are already at it."""
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        for listener in self.sockets:
            served = -1
            while served != self.nr_conns:
                served = self.nr_conns
                self.accept(listener)
            # The last worker's copy ends the socket: from here on connections are refused at
            # once, and a proxy takes another instance without having sent anything.
            listener.close()

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


def take_leave() -> None:
    """Close the connections this process holds."""
    from django.db import connections  # noqa: PLC0415 - gunicorn sets Django up later

    from core import cache, counted  # noqa: PLC0415 - as above

    connections["default"].close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend
    for valkey in {cache.SERVER, counted.SERVER}:
        valkey.close()


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
