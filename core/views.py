"""Pages outside the versioned API: health, metrics, the meaning of a problem."""

from __future__ import annotations

import datetime as dt
import hmac
from http import HTTPStatus
from typing import Final

import orjson
import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

from core import clock, errors, gauges, health, hooks, problems, versioning

SECURITY_TXT_VALID_DAYS: Final = 180

log = structlog.get_logger(__name__)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """``/health/ready``: 200 when work may be sent here, else 503 as a problem document."""
    is_ready, body = health.readiness()
    if is_ready:
        return _json(body)
    return problems.from_error(
        request,
        errors.NotReady(
            "This instance cannot take work now.", retry_after_s=2, checks=body["checks"]
        ),
    )


@require_safe
def detailed(request: HttpRequest) -> HttpResponse:
    """``/health/detailed``: for operators with the metrics token; 503 when it is not ready."""
    _require_token(request)
    body = health.details()
    if body["ready"]:
        body["upkeep"] = gauges.upkeep()
    return _json(body, HTTPStatus.OK if body["ready"] else HTTPStatus.SERVICE_UNAVAILABLE)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """``/metrics``: Prometheus text, for those with the metrics token."""
    _require_token(request)
    try:
        hooks.fire(hooks.METRICS_READ)
    except DatabaseError:
        log.warning("gauges_not_counted")
    answer: HttpResponse = ExportToDjangoView(request)
    return answer


@require_safe
def problem_type(_request: HttpRequest, code: str) -> HttpResponse:
    """``/problems/CODE``: what a problem's ``type`` points at, as plain text."""
    for error in errors.registered_errors():
        if error.code == code:
            about = (error.__doc__ or error.title).strip()
            return HttpResponse(
                f"{code}\nHTTP {error.status}\n{error.title}\n\n{about}\n",
                content_type="text/plain; charset=utf-8",
            )
    raise Http404


def version_gone(request: HttpRequest, rest: str) -> HttpResponse:  # noqa: ARG001 - whatever it was
    """Answer anything below a version that was removed."""
    return problems.from_error(
        request, errors.VersionGone(f"Use version {versioning.SERVED[0]}; see docs/versioning.md.")
    )


@require_safe
def security_txt(_request: HttpRequest) -> HttpResponse:
    """``/.well-known/security.txt`` (RFC 9116): whom to tell about a hole."""
    expires = clock.now() + dt.timedelta(days=SECURITY_TXT_VALID_DAYS)
    site: str = settings.ENV.public_url
    lines = [
        f"Contact: {settings.ENV.security_contact}",
        f"Expires: {expires:%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: en",
        f"Canonical: {site}/.well-known/security.txt",
    ]
    return HttpResponse(
        "\n".join(lines) + "\n",
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "public, max-age=86400"},
    )


@require_safe
def no_icon(_request: HttpRequest) -> HttpResponse:
    """Answer what every browser asks for, or its console would show an error on each page."""
    return HttpResponse(status=204, headers={"Cache-Control": "public, max-age=86400"})


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _require_token(request: HttpRequest) -> None:
    """Answer 404 to whoever lacks the token: the page is nobody else's business."""
    expected: str = settings.ENV.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Http404
