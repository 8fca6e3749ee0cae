"""RFC 9457 problem documents: the only place where an error becomes an HTTP answer.

Only the staff admin answers in HTML. Everything else, whatever broke and wherever, is
``application/problem+json``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.views import set_rollback

from core import context, crash_reports, db, errors, metrics

MEDIA_TYPE = "application/problem+json"

# What the framework raises by itself, by status.
FRAMEWORK_ERRORS: dict[int, tuple[str, str]] = {
    400: ("VALIDATION_FAILED", "The request is not valid"),
    401: ("AUTH_REQUIRED", "Authentication required"),
    403: ("AUTH_FORBIDDEN", "Not allowed"),
    404: ("VALIDATION_NOT_FOUND", "No such resource"),
    405: ("VALIDATION_METHOD_NOT_ALLOWED", "Method not allowed"),
    406: ("VALIDATION_NOT_ACCEPTABLE", "No representation of the kind asked for"),
    413: ("VALIDATION_BODY_TOO_LARGE", "The request body is too large"),
    414: ("VALIDATION_URI_TOO_LONG", "The address is too long"),
    415: ("VALIDATION_MEDIA_TYPE_UNSUPPORTED", "The media type is not supported"),
    417: ("VALIDATION_EXPECTATION_FAILED", "The expectation cannot be met"),
    429: ("RATE_LIMITED", "Too many requests"),
    431: ("VALIDATION_HEADERS_TOO_LARGE", "The request headers are too large"),
    500: ("INTERNAL_ERROR", "Internal error"),
    501: ("VALIDATION_NOT_IMPLEMENTED", "Not implemented"),
}

log = structlog.get_logger(__name__)


def exception_handler(exc: Exception, view: Mapping[str, Any]) -> HttpResponse | None:
    """Answer an expected exception raised under a DRF view.

    Returns ``None`` for anything else: Django logs it and calls :func:`server_error`, so that no
    bug is mistaken for a refusal.
    """
    described = _describe(exc)
    if described is None:
        return None
    set_rollback()
    return _response(view["request"], described)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """``handler400``: Django itself refused the request."""
    if answers_html(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return _response(request, _framework(413, "The body may have at most 1 MiB."))
    return _response(request, _framework(400, "The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """``handler403``."""
    if answers_html(request):
        return defaults.permission_denied(request, exception)
    return _response(request, _framework(403, ""))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """``CSRF_FAILURE_VIEW``: a cookie-authenticated request without a valid CSRF token."""
    if answers_html(request):
        return defaults.permission_denied(request, PermissionDenied(reason))
    described = _document(403, "AUTH_CSRF_FAILED", "CSRF verification failed", reason)
    return _response(request, described)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """``handler404``: a path that no URL pattern matches."""
    if answers_html(request):
        return defaults.page_not_found(request, exception)
    return _response(request, _framework(404, "There is nothing at this path."))


def server_error(request: HttpRequest) -> HttpResponse:
    """``handler500``: a bug, or a database that is gone; says nothing but the request id."""
    described = _describe(sys.exc_info()[1])
    if described is None:
        metrics.UNHANDLED.inc()
        crash_reports.report(sys.exc_info()[1])
        described = _framework(500, "The error was recorded; the request id finds it.")
    if answers_html(request):
        return defaults.server_error(request)
    return _response(request, described)


def from_error(request: HttpRequest, error: errors.DomainError) -> HttpResponse:
    """Answer ``error`` from a plain Django view."""
    return _response(request, _domain(error))


def as_problem(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Give an error answer that some middleware made by itself the shape of all the others."""
    problem = _response(request, _framework(response.status_code, ""))
    for header in ("Allow", "WWW-Authenticate", "Retry-After", "Vary"):
        if header in response:
            problem[header] = response[header]
    return problem


def answers_html(request: HttpRequest) -> bool:
    """Return whether ``request`` is for the staff admin."""
    return request.path_info.startswith(f"/{settings.ENV.admin_path}/")


def without_request(status: int, detail: str, request_id: str) -> bytes:
    """Return the document for a request that could not be read."""
    _, members, _ = _framework(status, detail)
    return orjson.dumps({**members, "instance": "", "request_id": request_id})


Described = tuple[int, dict[str, Any], dict[str, str]]


def _describe(exc: BaseException | None) -> Described | None:
    """Status, members and headers for ``exc``; ``None`` for an exception nobody planned."""
    if isinstance(exc, DatabaseError | InterfaceError):
        exc = db.as_domain_error(exc)
    if isinstance(exc, errors.DomainError):
        return _domain(exc)
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, RequestDataTooBig):
        return _framework(413, "The body may have at most 1 MiB.")
    if isinstance(exc, exceptions.ValidationError):
        return _invalid(exc)
    if isinstance(exc, exceptions.APIException):
        return _framework(exc.status_code, str(exc.detail), _headers_of(exc))
    return None


def _domain(exc: errors.DomainError) -> Described:
    headers = {} if exc.retry_after_s is None else {"Retry-After": str(exc.retry_after_s)}
    if isinstance(exc, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = exc.challenge
    return _document(exc.status, exc.code, exc.title, exc.detail, headers, **exc.extensions)


def _invalid(exc: exceptions.ValidationError) -> Described:
    """A serializer's refusal: the code of its faults when all share one, else the general one."""
    faults = list(_leaves(exc.get_full_details(), ""))
    codes = {fault["code"] for fault in faults}
    general, title = FRAMEWORK_ERRORS[400]
    detail = faults[0]["detail"] if len(faults) == 1 else f"{len(faults)} faults; see errors."
    return _document(400, codes.pop() if len(codes) == 1 else general, title, detail, errors=faults)


def _headers_of(exc: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait_s := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait_s) + 1)
    return headers


def _framework(status: int, detail: str, headers: dict[str, str] | None = None) -> Described:
    code, title = FRAMEWORK_ERRORS.get(status, ("VALIDATION_FAILED", "The request was refused"))
    return _document(status, code, title, detail, headers)


def _document(
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    **extensions: Any,
) -> Described:
    members = {
        "type": f"{settings.ENV.public_url}/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "code": code,
        **extensions,
    }
    return status, members, headers or {}


def _response(request: HttpRequest, described: Described) -> HttpResponse:
    status, members, headers = described
    running = context.current()
    running.error_code = members["code"]
    metrics.ERRORS.labels(code=members["code"]).inc()
    body = orjson.dumps(
        {**members, "instance": request.path, "request_id": running.request_id}, default=str
    )
    return HttpResponse(
        body,
        status=status,
        content_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **headers},
    )


def _leaves(node: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Flatten DRF's nested error detail into ``{pointer, code, detail}`` leaves (RFC 6901)."""
    if isinstance(node, list):
        for index, child in enumerate(node):
            leaf = isinstance(child, dict) and set(child) == {"message", "code"}
            yield from _leaves(child, pointer if leaf else f"{pointer}/{index}")
    elif isinstance(node, dict) and set(node) == {"message", "code"}:
        code = str(node["code"]).upper()
        known = code if "_" in code and code.split("_")[0] in _FAMILIES else f"VALIDATION_{code}"
        yield {"pointer": f"#{pointer}", "code": known, "detail": str(node["message"])}
    else:
        for key, child in node.items():
            step = "" if key == "non_field_errors" else f"/{_escaped(str(key))}"
            yield from _leaves(child, pointer + step)


_FAMILIES = frozenset({"VALIDATION", "ACCOUNT", "AUTH", "LEDGER", "TXN", "SESSION"})


def _escaped(key: str) -> str:
    """Escape one reference token of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")
