"""Where the time and memory of one request go, for staff: a profile instead of the answer.

Nothing is profiled by itself. It takes a pass, made on the machine by ``manage.py profile_pass``,
signed for one person and valid for minutes, in ``X-Profile`` of a request that this person makes
with a permission. The profile names functions and figures; no value of the request is in it.

Who holds that permission is also told of each answer how long it took (``Server-Timing``). Nobody
else is: how long a database looks for something may tell whether it is there.
"""

from __future__ import annotations

import cProfile
import io
import pstats
import threading
import tracemalloc
import uuid
from collections.abc import Callable
from http import HTTPStatus
from pathlib import PurePath
from typing import Final, Literal, TypeAlias

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from typing_extensions import override

from core import audit, context, errors, problems

HEADER: Final = "X-Profile"
PERMISSION: Final = "core.view_measurement"
PASS_MINUTES_MAX: Final = 60
LINES: Final = 60
Answering: TypeAlias = Callable[[HttpRequest], HttpResponseBase]
Subject: TypeAlias = Literal["time", "memory"]
_SALT: Final = "profile-pass"
# From Python 3.12 on a process has one profiler.
_one_at_a_time: Final = threading.Lock()


def make_pass(*, user_id: uuid.UUID, minutes: int, of: Subject = "time") -> str:
    """Return what ``user_id`` may send in ``X-Profile`` for so many minutes."""
    assert 0 < minutes <= PASS_MINUTES_MAX, "a pass is not for keeps"
    facts = {"user_id": str(user_id), "seconds": minutes * 60, "of": of}
    return signing.dumps(facts, salt=_SALT)


def tell_times(response: HttpResponseBase, running: context.Context, took_ms: float) -> None:
    """Say in ``Server-Timing`` where the time went, to whoever may see measurements."""
    if running.principal is None or not running.principal.may(PERMISSION):
        return
    response["Server-Timing"] = (
        f"total;dur={took_ms:.1f}, "
        f'database;dur={running.database_ms:.1f};desc="{running.queries} queries"'
    )


def answered(request: HttpRequest, answer: Answering) -> HttpResponseBase:
    """Return the answer; or, for whoever shows a pass of theirs, the profile of making it.

    Only a GET is profiled: what changes something is answered with what it did. The profile is
    written to the audit log. What is refused is answered as ever.
    """
    shown = request.headers.get(HEADER)
    if shown is None:
        return answer(request)
    try:
        holder_id, of = _read_pass(shown, request.method or "")
    except errors.DomainError as exc:
        return problems.from_error(request, exc)
    with _one_at_a_time:
        response, text = _MEASURES[of](request, answer)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        return response
    try:
        _record(request, holder_id)
    except errors.DomainError as exc:
        if response.streaming:
            response.close()
        return problems.from_error(request, exc)
    return _Instead(response, text)


class _Instead(HttpResponse):
    """A text instead of an answer, which ends with it and not before."""

    def __init__(self, answer: HttpResponseBase, text: str) -> None:
        super().__init__(
            text,
            content_type="text/plain; charset=utf-8",
            headers={"Cache-Control": "no-store"},
        )
        self.answer = answer

    @override
    def close(self) -> None:
        self.answer.close()
        super().close()


def _read_pass(shown: str, method: str) -> tuple[uuid.UUID, Subject]:
    if method != "GET":
        raise errors.HeaderInvalid(f"{HEADER} is for GET.")
    try:
        facts = signing.loads(shown, salt=_SALT, max_age=PASS_MINUTES_MAX * 60)
        signing.loads(shown, salt=_SALT, max_age=facts["seconds"])
    except signing.BadSignature as exc:
        raise errors.HeaderInvalid(f"{HEADER} is not a pass, or no longer.") from exc
    return uuid.UUID(facts["user_id"]), facts.get("of", "time")


def _record(request: HttpRequest, holder_id: uuid.UUID) -> None:
    """Write down who had what profiled.

    Raises:
        PermissionRefused: it is not whoever the pass is for, or not staff who may.
    """
    running = context.current()
    actor = running.principal
    if actor is None or actor.user_id != holder_id or actor.impersonator_id is not None:
        raise errors.PermissionRefused(f"{HEADER} is somebody else's.")
    actor.require(PERMISSION)
    match = request.resolver_match
    audit.record(
        action="request.profile",
        actor=actor,
        user_id=holder_id,
        target_type="request",
        target_id=running.request_id,
        route=match.route if match else "",
    )


def _time_of(request: HttpRequest, answer: Answering) -> tuple[HttpResponseBase, str]:
    profile = cProfile.Profile()
    response = profile.runcall(answer, request)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("cumulative").print_stats(LINES)
    return response, text.getvalue()


def _memory_of(request: HttpRequest, answer: Answering) -> tuple[HttpResponseBase, str]:
    """Measure what is allocated meanwhile, by this request and by others of the process."""
    tracemalloc.start()
    try:
        response = answer(request)
        held, peak = tracemalloc.get_traced_memory()
        by_line = tracemalloc.take_snapshot().statistics("lineno")[:LINES]
    finally:
        tracemalloc.stop()
    lines = [f"peak {peak:,} bytes, held at the end {held:,} bytes", ""]
    for one in by_line:
        (frame,) = one.traceback
        lines.append(f"{one.size:>12,} {PurePath(frame.filename).name}:{frame.lineno}")
    return response, "\n".join(lines)


_MEASURES: Final = {"time": _time_of, "memory": _memory_of}
