"""How the service is doing, and how it did in the last hour or day: for people, in one look."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from django.db import connection

from core import clock, health, partitions
from core.models import CircuitBreaker, WebhookDelivery
from core.models.webhooks import DEAD
from core.operations import measurements, queues
from core.operations.traffic import EDGES_MS
from core.principals import Principal

VIEW: Final = "core.view_measurement"
ROWS_MAX: Final = 10
SERVER_ERROR_MIN: Final = 500
P95: Final = 0.95
_FLOOR_MS: Final = dict([(EDGES_MS[0], 0), *((high, low) for low, high in pairwise(EDGES_MS))])


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """How far back to look, and in which steps."""

    name: str
    length: dt.timedelta
    step: dt.timedelta


WINDOWS: Final = {
    "hour": Window("hour", dt.timedelta(hours=1), dt.timedelta(minutes=1)),
    "day": Window("day", dt.timedelta(days=1), dt.timedelta(minutes=15)),
}
_COUNTS: Final = """
    SELECT date_bin(%(step)s, minute, %(since)s) AS at, method, route, status, code, took_ms,
           sum(requests)::bigint
    FROM traffic_count WHERE minute >= %(since)s AND minute < %(until)s
    GROUP BY 1, 2, 3, 4, 5, 6
"""


class Tally:
    """Answers, failures and durations of whatever is counted together."""

    def __init__(self) -> None:
        self.requests = 0
        self.failures = 0
        self._took_ms: Counter[int] = Counter()

    def add(self, status: int, took_ms: int, number: int) -> None:
        """Count ``number`` more answers."""
        self.requests += number
        self.failures += number if status >= SERVER_ERROR_MIN else 0
        self._took_ms[took_ms] += number

    @property
    def error_rate(self) -> float:
        """The share of answers that were our fault."""
        return self.failures / self.requests if self.requests else 0.0

    @property
    def p95_ms(self) -> float | None:
        """The duration that one answer in twenty exceeds, interpolated within its class."""
        rank, seen = P95 * self.requests, 0
        for edge, number in sorted(self._took_ms.items()):
            if seen + number >= rank:
                floor = _FLOOR_MS[edge]
                return round(floor + (edge - floor) * (rank - seen) / number, 1)
            seen += number
        return None

    def as_json(self) -> dict[str, Any]:
        """Return the numbers."""
        return {
            "requests": self.requests,
            "failures": self.failures,
            "error_rate": round(self.error_rate, 6),
            "p95_ms": self.p95_ms,
        }


def summarize(*, window: Window, actor: Principal) -> dict[str, Any]:
    """Return everything the operations page shows, as JSON.

    Raises:
        PermissionRefused: ``actor`` may not see it.
    """
    actor.require(VIEW)
    until = clock.now().replace(second=0, microsecond=0) + dt.timedelta(minutes=1)
    since = until - window.length
    _, state = health.readiness()
    return {
        "window": window.name,
        "since": clock.as_rfc3339(since),
        "until": clock.as_rfc3339(until),
        "health": {"status": state["status"], "checks": state["checks"]},
        **_traffic(window, since, until),
        "queues": [
            {"queue": queue, "waiting": waiting, "failed": failed, "oldest_s": round(oldest_s)}
            for queue, (waiting, failed, oldest_s) in sorted(queues.measure().items())
        ],
        "dead_letters": WebhookDelivery.objects.filter(state=DEAD).count(),
        "breakers": [
            {"destination": row.destination, "failures": row.failures, "fault": row.last_fault}
            for row in CircuitBreaker.objects.exclude(open_until=None)[:ROWS_MAX]
        ],
        "partition_months_ahead": partitions.months_ahead(),
        **_measured(),
    }


def _traffic(window: Window, since: dt.datetime, until: dt.datetime) -> dict[str, Any]:
    with connection.cursor() as cursor:
        span: dict[str, Any] = {"step": window.step, "since": since, "until": until}
        cursor.execute(_COUNTS, span)
        counted = cursor.fetchall()
    total = Tally()
    steps = {
        since + number * window.step: Tally() for number in range(window.length // window.step)
    }
    routes: dict[tuple[str, str], Tally] = defaultdict(Tally)
    codes: Counter[tuple[str, int]] = Counter()
    for at, method, route, status, code, took_ms, number in counted:
        for tally in (total, steps[at], routes[method, route]):
            tally.add(status, took_ms, number)
        if code:
            codes[code, status] += number
    slowest = sorted(routes.items(), key=lambda item: -(item[1].p95_ms or 0))
    return {
        **total.as_json(),
        "error_codes": [
            {"code": code, "status": status, "requests": number}
            for (code, status), number in codes.most_common(ROWS_MAX)
        ],
        "slowest_routes": [
            {"method": method, "route": route, **tally.as_json()}
            for (method, route), tally in slowest[:ROWS_MAX]
        ],
        "steps": [{"at": clock.as_rfc3339(at), **tally.as_json()} for at, tally in steps.items()],
    }


def _measured() -> dict[str, Any]:
    known: Mapping[str, Any] = measurements.latest()

    def of(name: str) -> dict[str, Any]:
        row = known.get(name)
        if row is None:
            return {"measured_at": None, "value": None}
        return {"measured_at": clock.as_rfc3339(row.measured_at), "value": row.value}

    return {
        "ledger_faults": of(measurements.LEDGER_FAULTS),
        "backup": of(measurements.BACKUP),
        "backup_verified": of(measurements.BACKUP_VERIFIED),
    }
