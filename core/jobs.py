"""What every background job gets: the context of who asked for it, and one log line.

A job carries the id of the request that enqueued it (:func:`origin`), so that what the worker does
is found by the same id.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import structlog
from procrastinate import JobContext
from procrastinate.jobs import Job

from core import clock, context, crash_reports, hooks, ids, metrics, tracing

ORIGIN: Final = "_origin"

log = structlog.get_logger("strongroom.jobs")
_in_hand: Final[dict[int | None, Job]] = {}


def in_hand() -> list[Job]:
    """Return the jobs that run in this process now."""
    return list(_in_hand.values())


def origin() -> dict[str, Any]:
    """Return what to defer a job with besides its own facts: who asked for it."""
    request_id, parent = context.current().request_id, tracing.traceparent()
    asked = {"request_id": request_id, **({tracing.HEADER: parent} if parent else {})}
    return {ORIGIN: asked} if request_id else {}


def in_context(call_next: Callable[[], Any], job: JobContext, _worker: object) -> Any:
    """Run one job in a context of its own; procrastinate calls this around each."""
    hooks.fire(hooks.JOB_STARTS)
    with _entered(job):
        return call_next()


async def in_context_async(
    call_next: Callable[[], Awaitable[Any]], job: JobContext, _worker: object
) -> Any:
    """Run one asynchronous job the same way."""
    with _entered(job):
        return await call_next()


@contextlib.contextmanager
def _entered(job: JobContext) -> Iterator[None]:
    # Taken out of the arguments: the job itself knows nothing of it.
    asked: Any = job.job.task_kwargs.pop(ORIGIN, {})
    running = context.Context(
        request_id=asked.get("request_id") or str(ids.uuid7()),
        job=job.job.task_name,
        job_id=job.job.id,
    )
    started_ms = clock.monotonic_ms()
    outcome = "failed"
    name, parent = f"job {job.job.task_name}", asked.get(tracing.HEADER, "")
    with context.entered(running), tracing.span(name, kind="consumer", parent=parent):
        _in_hand[job.job.id] = job.job
        try:
            yield
            outcome = "succeeded"
        except Exception as exc:
            if job.task.get_retry_exception(exception=exc, job=job.job) is None:
                log.exception("job_failed", attempt=job.job.attempts + 1)
                crash_reports.report(exc)
            else:
                outcome = "repeated"
                log.warning("job_to_repeat", attempt=job.job.attempts + 1, error=type(exc).__name__)
            raise
        finally:
            _in_hand.pop(job.job.id, None)
            took_ms = clock.monotonic_ms() - started_ms
            metrics.JOBS.labels(task=job.job.task_name, outcome=outcome).inc()
            metrics.JOB_DURATION_S.labels(task=job.job.task_name).observe(took_ms / 1_000)
            log.info(
                "job",
                outcome=outcome,
                attempt=job.job.attempts + 1,
                duration_ms=round(took_ms, 2),
                queries=running.queries,
                database_ms=round(running.database_ms, 2),
            )
