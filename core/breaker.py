"""Circuit breaker: leave a destination alone once it has failed often enough (Nygard, Release It!).

Five infrastructure failures in a row open it for sixty seconds; then exactly one caller, whatever
process it is in, may try under a lease of thirty seconds. The state is one row in PostgreSQL, so
all processes agree without Valkey; each transition is one statement that states what it expects.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, Q

from core import audit, clock, metrics
from core.models import CircuitBreaker
from core.principals import HOUSE_USER_ID, Principal

FAILURES_MAX: Final = 5
REST_S: Final = 60
PROBE_LEASE_S: Final = 30
FAULT_LENGTH_MAX: Final = 200

log = structlog.get_logger(__name__)


class Resting(Exception):
    """The destination is left alone for now; ``retry_after_s`` says for how long."""

    def __init__(self, destination: str, retry_after_s: int) -> None:
        super().__init__(f"{destination} is left alone for {retry_after_s} s.")
        self.destination = destination
        self.retry_after_s = retry_after_s


@dataclasses.dataclass(frozen=True, slots=True)
class Permit:
    """Leave to call ``destination`` once; ``probe_until`` is set for the one who tries it out."""

    destination: str
    probe_until: dt.datetime | None = None


def ask(destination: str) -> Permit:
    """Return leave to call ``destination``; report the outcome with one of the two below.

    Raises:
        Resting: it failed too often, or somebody else is trying it out.
    """
    row = CircuitBreaker.objects.filter(pk=destination).first()
    if row is None or row.open_until is None:
        return Permit(destination)
    now = clock.now()
    if now >= row.open_until:
        lease = now + dt.timedelta(seconds=PROBE_LEASE_S)
        is_mine = (
            CircuitBreaker.objects.filter(pk=destination, open_until__lte=now)
            .filter(Q(probe_until=None) | Q(probe_until__lte=now))
            .update(probe_until=lease, changed_at=now)
        )
        if is_mine:
            return Permit(destination, lease)
    waits_for = max(row.open_until, row.probe_until or row.open_until)
    metrics.BREAKER_REFUSALS.inc()
    raise Resting(destination, max(1, int((waits_for - now).total_seconds())))


def succeeded(permit: Permit) -> None:
    """Count a call that reached its destination, whatever was answered there.

    A late success of a call from before the opening does not close it: only the one who tries
    it out decides.
    """
    rows = CircuitBreaker.objects.filter(pk=permit.destination)
    if permit.probe_until is not None:
        closed = rows.filter(probe_until=permit.probe_until).update(
            failures=0, open_until=None, probe_until=None, last_fault="", changed_at=clock.now()
        )
        if closed:
            log.info("breaker_closed", destination=permit.destination)
    else:
        rows.filter(open_until=None, failures__gt=0).update(failures=0, changed_at=clock.now())


def failed(permit: Permit, *, fault: str) -> None:
    """Count a call that did not reach its destination or found it broken."""
    now = clock.now()
    rest_until = now + dt.timedelta(seconds=REST_S)
    fault = fault[:FAULT_LENGTH_MAX]
    rows = CircuitBreaker.objects.filter(pk=permit.destination)
    if permit.probe_until is not None:
        opened = rows.filter(probe_until=permit.probe_until).update(
            failures=F("failures") + 1,
            open_until=rest_until,
            probe_until=None,
            last_fault=fault,
            changed_at=now,
        )
    else:
        CircuitBreaker.objects.bulk_create(
            [CircuitBreaker(destination=permit.destination, changed_at=now)], ignore_conflicts=True
        )
        rows.update(failures=F("failures") + 1, last_fault=fault, changed_at=now)
        due = rows.filter(failures__gte=FAILURES_MAX, open_until=None)
        opened = due.update(open_until=rest_until)
    if opened:
        metrics.BREAKER_OPENED.inc()
        log.warning("breaker_opened", destination=permit.destination, fault=fault, rests_s=REST_S)


def reset(*, destination: str, actor: Principal, reason: str) -> None:
    """Close the breaker by hand. Commits its own transaction or joins the caller's."""
    with transaction.atomic():
        CircuitBreaker.objects.filter(pk=destination).update(
            failures=0, open_until=None, probe_until=None, last_fault="", changed_at=clock.now()
        )
        audit.record(
            action="breaker.reset",
            actor=actor,
            user_id=HOUSE_USER_ID,
            target_type="destination",
            target_id=destination[:64],
            reason=reason,
        )
