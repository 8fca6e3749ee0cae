"""The few words and numbers at the top of the operations page, each with how bad it is."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django.utils.timesince import timesince

from core import clock, modes

FINE: Final = "ok"
DEGRADED: Final = "degraded"
UNAVAILABLE: Final = "unavailable"
# As the alerts in deploy/prometheus/rules.yml have it.
LEDGER_AGE_MAX: Final = dt.timedelta(hours=3)
BACKUP_AGE_MAX: Final = dt.timedelta(hours=26)
PROOF_AGE_MAX: Final = dt.timedelta(days=8)
PARTITION_MONTHS_MIN: Final = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Tile:
    """One of them; ``state`` is ok, degraded or unavailable."""

    label: str
    value: str
    state: str = FINE


def tiles(found: Mapping[str, Any]) -> list[Tile]:
    """Return what to read first of a summary, and whether the service takes work at all."""
    mode, health, months = modes.MODE.value, found["health"], found["partition_months_ahead"]
    p95_ms, failures, dead = found["p95_ms"], found["failures"], found["dead_letters"]
    return [
        Tile("Service", mode.replace("_", " "), _unless(mode == modes.NORMAL)),
        Tile("Health", health["status"], health["status"]),
        Tile("Requests", f"{found['requests']:,}"),
        Tile("Failed (5xx)", f"{found['error_rate'] * 100:.4g} %", _unless(not failures)),
        Tile("p95", "\N{EN DASH}" if p95_ms is None else f"{p95_ms:g} ms"),
        Tile("Dead letters", f"{dead:,}", _unless(not dead)),
        _ledger(found["ledger_faults"]),
        Tile(
            "Partitions ahead",
            f"{months} month{'' if months == 1 else 's'}",
            _unless(months >= PARTITION_MONTHS_MIN, UNAVAILABLE),
        ),
        _age("Last backup", found["backup"], BACKUP_AGE_MAX, "no backup known"),
        _age("Backup proved by a restore", found["backup_verified"], PROOF_AGE_MAX, "never"),
    ]


def _unless(is_fine: bool, otherwise: str = DEGRADED) -> str:  # noqa: FBT001 - reads as it says
    return FINE if is_fine else otherwise


def _ledger(measured: Mapping[str, Any]) -> Tile:
    label, age = "Ledger faults", _age_of(measured)
    if age is None:
        return Tile(label, "not checked yet", DEGRADED)
    if measured["value"]:
        return Tile(label, str(measured["value"]), UNAVAILABLE)
    if age > LEDGER_AGE_MAX:
        return Tile(label, f"0, {_in_words(measured)}", DEGRADED)
    return Tile(label, "0")


def _age(label: str, measured: Mapping[str, Any], age_max: dt.timedelta, missing: str) -> Tile:
    age = _age_of(measured)
    if age is None:
        return Tile(label, missing, DEGRADED)
    return Tile(label, _in_words(measured), _unless(age <= age_max))


def _age_of(measured: Mapping[str, Any]) -> dt.timedelta | None:
    at = measured["measured_at"]
    return None if at is None else clock.now() - dt.datetime.fromisoformat(at)


def _in_words(measured: Mapping[str, Any]) -> str:
    at = dt.datetime.fromisoformat(measured["measured_at"])
    return f"{timesince(at, clock.now(), depth=1)} ago"
