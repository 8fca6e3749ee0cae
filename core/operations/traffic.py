"""Counting answers for the last hour and day, over all processes, without Prometheus.

A process counts in memory and adds what it counted to rows of PostgreSQL every few seconds. A
process that is killed loses at most those seconds: nobody is billed by these numbers.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from bisect import bisect_left
from collections import Counter
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from core import clock
from core.models import TrafficCount

# Classes of durations by their upper edges; the last one is open.
EDGES_MS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)
# More kinds of answers than this between two writings are counted together.
KINDS_MAX: Final = 5_000
OTHER: Final = "other"

_ADD: Final = """
    INSERT INTO traffic_count (minute, method, route, status, code, took_ms, requests)
    SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::int[], %s::text[],
        %s::int[], %s::bigint[])
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (minute, method, route, status, code, took_ms)
    DO UPDATE SET requests = traffic_count.requests + excluded.requests
"""

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """Answers that are counted together."""

    minute: dt.datetime
    method: str
    route: str
    status: int
    code: str
    took_ms: int


class _Counts:
    """What this process counted and has not written yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Counter[Kind] = Counter()

    def add(self, counted: Counter[Kind]) -> None:
        with self._lock:
            for kind, number in counted.items():
                is_full = len(self._waiting) >= KINDS_MAX and kind not in self._waiting
                key = dataclasses.replace(kind, route=OTHER, code="") if is_full else kind
                self._waiting[key] += number

    def taken(self) -> Counter[Kind]:
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        return taken


_counts: Final = _Counts()
_stopping: Final = threading.Event()


def count(*, method: str, route: str, status: int, code: str, took_ms: float) -> None:
    """Count one answer."""
    edge = EDGES_MS[min(bisect_left(EDGES_MS, took_ms), len(EDGES_MS) - 1)]
    minute = clock.now().replace(second=0, microsecond=0)
    _counts.add(Counter({Kind(minute, method, route[:200], status, code[:64], edge): 1}))


def write() -> None:
    """Add what was counted to the rows; what cannot be written now waits for the next time."""
    counted = _counts.taken()
    if not counted:
        return
    columns = zip(
        *((*dataclasses.astuple(kind), number) for kind, number in counted.items()), strict=True
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, [list(column) for column in columns])
    except (DatabaseError, InterfaceError) as exc:
        _counts.add(counted)
        log.warning("traffic_not_written", error=type(exc).__name__)


def start() -> None:
    """Write every few seconds from now on, in a thread of this process."""
    _stopping.clear()
    threading.Thread(target=_keep_writing, name="traffic", daemon=True).start()


def stop() -> None:
    """Write for the last time: the process ends."""
    _stopping.set()
    write()
    connection.close()


def forget(*, older_than: dt.datetime) -> int:
    """Remove the rows of earlier minutes; return how many."""
    return TrafficCount.objects.filter(minute__lt=older_than).delete()[0]


def _keep_writing() -> None:
    while not _stopping.wait(settings.ENV.traffic_flush_s):
        try:
            write()
        finally:
            connection.close()
