"""Numbers that are too dear to find out at each look: noted by jobs, read by everybody.

The names are part of the alerts in deploy/prometheus/rules.yml.
"""

from __future__ import annotations

from typing import Final

from core import clock
from core.models import Measurement

# Faults that the last verification of the ledger found.
LEDGER_FAULTS: Final = "ledger_faults"
# Bytes of the last backup that was finished, and of the last one that was restored to prove it.
BACKUP: Final = "backup_bytes"
BACKUP_VERIFIED: Final = "backup_verified_bytes"


def note(name: str, value: int, *, detail: str = "") -> None:
    """Keep ``value`` as the last one that was measured. Joins the caller's transaction."""
    Measurement.objects.update_or_create(
        pk=name, defaults={"value": value, "detail": detail[:200], "measured_at": clock.now()}
    )


def latest() -> dict[str, Measurement]:
    """Return what was measured last, by name."""
    return {row.name: row for row in Measurement.objects.all()}
