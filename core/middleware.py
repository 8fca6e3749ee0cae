"""The one middleware of ours: request id, deadline, access log, metrics, the last word on errors.

It is the outermost, so that everything below it, Django's own middlewares included, is covered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.cache import get_conditional_response
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from core import (
    client_address,
    clock,
    context,
    contract,
    db,
    errors,
    headers,
    ids,
    metrics,
    modes,
    problems,
    profiling,
    redaction,
    throttling,
    tracing,
    versioning,
)
from core.operations import traffic

if TYPE_CHECKING:
    from opentelemetry.trace import Span

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
LIVE_PATH: Final = "/health/live"
# Probes come every few seconds from machines: counted, not logged.
_LENGTH_DIGITS_MAX: Final = 18
UNLOGGED_PATHS: Final = frozenset({LIVE_PATH, "/health/ready", "/health", "/metrics"})
UNMATCHED: Final = "unmatched"
ERROR_STATUS_MIN: Final = 400

log = structlog.get_logger("strongroom.access")


class RequestMiddleware:
    """Wraps every request; see the module's docstring."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer ``request`` with its id, within its deadline, leaving one log line."""
        if request.path_info == LIVE_PATH:
            # Liveness touches nothing: no host check, no database, no log (a restart would not
            # mend a database that is down).
            alive = HttpResponse(b'{"status":"ok"}', content_type="application/json")
            headers.harden(alive)
            return alive
        started_ms = clock.monotonic_ms()
        parent = request.headers.get(tracing.HEADER, "")
        with (
            context.entered(_context_of(request, started_ms)) as running,
            tracing.span("request", kind="server", parent=parent) as span,
        ):
            with metrics.HTTP_IN_FLIGHT.track_inprogress():
                response = self._answer(request)
            response["X-Request-ID"] = running.request_id
            headers.harden(response)
            if isinstance(response, StreamingHttpResponse) and not isinstance(
                response, FileResponse
            ):
                response.streaming_content = _within(running, iter(response))
            if not response.streaming and not response.has_header("Content-Length"):
                response["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]  # not streaming
            took_ms = clock.monotonic_ms() - started_ms
            profiling.tell_times(response, running, took_ms)
            _record(request, response, running, took_ms)
            if span is not None:
                _describe(span, request, response, running)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, *_captured: object
    ) -> HttpResponse | None:
        """Refuse a request that its operation, or the mode of the service, does not allow."""
        if not hasattr(view, "cls"):
            return None
        try:
            modes.require_open(request, view.cls)
            versioning.require_agreement(request)
            contract.require_kept(request, view.cls)
        except errors.DomainError as exc:
            return problems.from_error(request, exc)
        return None

    def process_template_response(
        self, request: HttpRequest, response: TemplateResponse
    ) -> TemplateResponse:
        """Leave of an answer what ``?fields=`` asks for."""
        answer: object = response
        if isinstance(answer, Response) and response.status_code < ERROR_STATUS_MIN:
            chosen = contract.chosen_fields(request)
            if chosen:
                answer.data = contract.narrowed(answer.data, chosen)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        is_api = request.path_info.startswith(headers.API_PREFIX)
        if is_api and not request.path_info.endswith("/"):
            # The same resource without the slash: a redirect would lose the body of a write.
            request.path_info += "/"
        try:
            headers.require_sound(request)
        except errors.DomainError as exc:
            return problems.from_error(request, exc)
        response = profiling.answered(request, self.get_response)
        if (
            is_api
            and isinstance(response, HttpResponse)
            and response.has_header("ETag")
            and request.method in SAFE_METHODS
        ):
            # 304 without a body for whoever has this very version (RFC 9110, section 13.1.2).
            fresh = get_conditional_response(request, response["ETag"], response=response)
            response = fresh or response
        if (
            response.status_code >= ERROR_STATUS_MIN
            and not problems.answers_html(request)
            and response.get("Content-Type") != problems.MEDIA_TYPE
            and isinstance(response, HttpResponse)
        ):
            response = problems.as_problem(request, response)
        if is_api:
            response = _counted(request, response)
            versioning.mark(request, response)
        if not response.has_header("Cache-Control"):
            # Whatever does not say that it may be kept is somebody's.
            response["Cache-Control"] = "no-store"
        return response


def _counted(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Count a caller who proved nothing, and tell every caller how they stand.

    Whoever is let in is counted by :mod:`core.throttling`, before anything is done for them.
    """
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        try:
            throttling.count_stranger()
        except errors.RateLimited as exc:
            response = problems.from_error(request, exc)
    for name, value in context.current().answer_headers.items():
        response[name] = value
    return response


def _within(running: context.Context, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Make ``chunks`` in the context of their request, which is over when they are asked for.

    A stream has a deadline of its own. Past it the connection is cut: an answer that ended as if
    it were whole would be worse than none.
    """
    running.deadline_ms = clock.monotonic_ms() + settings.ENV.stream_deadline_ms
    remaining = iter(chunks)
    while True:
        with context.entered(running):
            db.require_time_left()
            try:
                chunk = next(remaining)
            except StopIteration:
                return
        yield chunk


def _context_of(request: HttpRequest, started_ms: float) -> context.Context:
    given_id = request.headers.get("X-Request-ID", "")
    return context.Context(
        request_id=given_id if REQUEST_ID.match(given_id) else str(ids.uuid7()),
        deadline_ms=started_ms + _allowed_ms(request.headers.get("X-Request-Timeout", "")),
        client_address=client_address.of(request),
        user_agent=request.headers.get("User-Agent", "")[:512],
    )


def _allowed_ms(given_s: str) -> int:
    """``X-Request-Timeout`` in whole seconds may lower the deadline, never raise it."""
    limit_ms: int = settings.ENV.request_deadline_ms
    if headers.TIMEOUT_S.fullmatch(given_s):
        return min(limit_ms, int(given_s) * 1_000)
    return limit_ms


def _record(
    request: HttpRequest, response: HttpResponseBase, running: context.Context, took_ms: float
) -> None:
    match = request.resolver_match
    route = match.route if match else UNMATCHED
    method = request.method if request.method in _METHODS else "other"
    metrics.HTTP_REQUESTS.labels(method=method, route=route, status=response.status_code).inc()
    metrics.HTTP_LATENCY.labels(method=method, route=route).observe(took_ms / 1_000)
    announced = request.META.get("CONTENT_LENGTH") or ""
    # Anybody may announce anything: no more is counted than a body may have at most.
    if announced.isdecimal() and len(announced) <= _LENGTH_DIGITS_MAX:
        received = min(int(announced), settings.ENV.file_bytes_max)
        metrics.HTTP_RECEIVED_BYTES.labels(method=method, route=route).inc(received)
    sent = None if response.streaming else len(response.content)  # type: ignore[attr-defined]  # not streaming
    if sent:
        metrics.HTTP_SENT_BYTES.labels(method=method, route=route).inc(sent)
    if request.path_info in UNLOGGED_PATHS:
        return
    code = running.error_code
    traffic.count(
        method=method, route=route, status=response.status_code, code=code, took_ms=took_ms
    )
    log.info(
        "request",
        method=method,
        route=route,
        path=redaction.shown_path(request.path),
        status=response.status_code,
        duration_ms=round(took_ms, 2),
        bytes=sent,
        address=running.client_address,
        code=code or None,
        queries=running.queries,
        database_ms=round(running.database_ms, 2),
    )


def _describe(
    span: Span, request: HttpRequest, response: HttpResponseBase, running: context.Context
) -> None:
    """Say in the span of a request what its log line says."""
    route = request.resolver_match.route if request.resolver_match else UNMATCHED
    span.update_name(f"{request.method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", response.status_code)
    span.set_attribute("request_id", running.request_id)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
