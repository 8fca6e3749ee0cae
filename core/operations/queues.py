"""How much work waits for the worker, by queue."""

from __future__ import annotations

from typing import Final

from django.db import connection
from procrastinate.contrib.django import app

# A job waits from when it may start; one that is to start later does not wait yet.
_JOBS: Final = """
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


def measure() -> dict[str, tuple[int, int, float]]:
    """Return for each queue: jobs that wait, jobs that failed, seconds the oldest one waits."""
    # An empty queue has no row, and must not keep its last number.
    found: dict[str, tuple[int, int, float]] = {
        task.queue: (0, 0, 0.0) for task in app.tasks.values()
    }
    with connection.cursor() as cursor:
        cursor.execute(_JOBS)
        for queue, waiting, failed, oldest_s in cursor.fetchall():
            found[queue] = (waiting, failed, max(0.0, float(oldest_s)))
    return found
