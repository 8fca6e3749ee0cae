"""Numbers that nobody counts because they are states: read from the database at each scrape."""

from __future__ import annotations

from django.db import DatabaseError, connection, connections
from procrastinate.contrib.django import app

from core import cache, metrics, modes, partitions
from core.models import CircuitBreaker, WebhookDelivery
from core.models.webhooks import DEAD

# A job waits from when it may start; one that is to start later does not wait yet.
_JOBS = """
    SELECT queue_name,
           count(*) FILTER (WHERE status = 'todo'
                              AND coalesce(scheduled_at, now()) <= now()) AS waiting,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           coalesce(extract(epoch FROM now() - min(coalesce(job.scheduled_at, event.at))
               FILTER (WHERE status = 'todo'
                         AND coalesce(job.scheduled_at, now()) <= now())), 0) AS oldest_s
    FROM procrastinate_jobs job
    LEFT JOIN LATERAL (
        SELECT at FROM procrastinate_events
        WHERE job_id = job.id AND type = 'deferred' ORDER BY id LIMIT 1
    ) event ON true
    WHERE status IN ('todo', 'failed')
    GROUP BY queue_name
"""
_UNSENT = """
    SELECT coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0)
    FROM webhook_delivery WHERE state = 'due' AND next_attempt_at <= now()
"""


def measure() -> None:
    """Set every gauge; without a database only say so."""
    metrics.CACHE_UP.set(cache.is_reachable())
    for mode in modes.MODES:
        metrics.SERVICE_MODE.labels(mode=mode).set(mode == modes.MODE.value)
    pool = getattr(connections["default"], "pool", None)
    if pool is not None:
        stats = pool.get_stats()
        for name in ("pool_size", "pool_available", "requests_waiting", "requests_errors"):
            metrics.DB_POOL.labels(state=name).set(stats.get(name, 0))
    try:
        _measure_tables()
    except DatabaseError:
        metrics.DB_UP.set(0)
        raise
    metrics.DB_UP.set(1)


def _measure_tables() -> None:
    # An empty queue has no row, and must not keep its last number.
    jobs = {task.queue: (0, 0, 0) for task in app.tasks.values()}
    with connection.cursor() as cursor:
        cursor.execute(_JOBS)
        jobs.update({queue: tuple(counts) for queue, *counts in cursor.fetchall()})
        for queue, (waiting, failed, oldest_s) in jobs.items():
            metrics.JOBS_WAITING.labels(queue=queue).set(waiting)
            metrics.JOBS_FAILED.labels(queue=queue).set(failed)
            metrics.JOBS_OLDEST_S.labels(queue=queue).set(max(0, oldest_s))
        cursor.execute(_UNSENT)
        metrics.WEBHOOK_OLDEST_S.set(cursor.fetchone()[0])
    metrics.DEAD_LETTERS.set(WebhookDelivery.objects.filter(state=DEAD).count())
    metrics.BREAKERS_OPEN.set(CircuitBreaker.objects.exclude(open_until=None).count())
    metrics.PARTITION_MONTHS_AHEAD.set(partitions.months_ahead())
