"""Numbers that nobody counts because they are states: read from the database at each scrape."""

from __future__ import annotations

from django.db import DatabaseError, connection, connections

from core import cache, clock, counted, metrics, modes, partitions
from core.models import CircuitBreaker, WebhookDelivery
from core.models.webhooks import DEAD
from core.operations import measurements, queues

_NOT_HANDED_OUT = """
    SELECT coalesce((
        SELECT extract(epoch FROM now() - event.recorded_at) FROM outbox_event event
        WHERE (event.epoch, event.xid, event.id)
              > (relay.epoch, relay.xid::text::xid8, relay.event_id)
        ORDER BY event.epoch, event.xid, event.id LIMIT 1
    ), 0) FROM webhook_relay relay
"""
_UNSENT = """
    SELECT coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0)
    FROM webhook_delivery WHERE state = 'due' AND next_attempt_at <= now()
"""


def measure() -> None:
    """Set every gauge; without a database only say so."""
    metrics.CACHE_UP.set(cache.is_reachable() and counted.SERVER.is_reachable())
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


def upkeep() -> dict[str, float | None]:
    """Return how far behind the worker is; nothing when PostgreSQL does not say."""
    try:
        waits_s, backup = _outbox_oldest_s(), measurements.latest().get(measurements.BACKUP)
    except DatabaseError:
        return {}
    backup_age = backup and clock.now() - backup.measured_at
    return {
        "outbox_oldest_s": round(waits_s),
        "backup_age_s": round(backup_age.total_seconds()) if backup_age else None,
    }


def _outbox_oldest_s() -> float:
    with connection.cursor() as cursor:
        cursor.execute(_NOT_HANDED_OUT)
        return float(cursor.fetchone()[0])


def _measure_tables() -> None:
    for queue, (waiting, failed, oldest_s) in queues.measure().items():
        metrics.JOBS_WAITING.labels(queue=queue).set(waiting)
        metrics.JOBS_FAILED.labels(queue=queue).set(failed)
        metrics.JOBS_OLDEST_S.labels(queue=queue).set(oldest_s)
    metrics.OUTBOX_OLDEST_S.set(_outbox_oldest_s())
    with connection.cursor() as cursor:
        cursor.execute(_UNSENT)
        metrics.WEBHOOK_OLDEST_S.set(cursor.fetchone()[0])
    metrics.DEAD_LETTERS.set(WebhookDelivery.objects.filter(state=DEAD).count())
    metrics.BREAKERS_OPEN.set(CircuitBreaker.objects.exclude(open_until=None).count())
    for name, row in measurements.latest().items():
        metrics.MEASURED.labels(name=name).set(row.value)
        metrics.MEASURED_AT.labels(name=name).set(row.measured_at.timestamp())
    metrics.PARTITION_MONTHS_AHEAD.set(partitions.months_ahead())
