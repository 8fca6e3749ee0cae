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

# Sessions that a token can still open, and cookies that are kept: issued ones and those in jars.
SESSIONS_LIVE: Final = "sessions_live"
COOKIES_ISSUED: Final = "cookies_issued"
COOKIES_IN_JARS: Final = "cookies_in_jars"

# What the audit trail of the last hour has that it hardly ever has; and PostgreSQL's superusers.
SUPERUSERS_MADE: Final = "superusers_made"
BULK_EXPORTS: Final = "bulk_exports"
MASS_DELETES: Final = "mass_deletes"
DATABASE_SUPERUSERS: Final = "database_superusers"


def note(name: str, value: int, *, detail: str = "") -> None:
    """Keep ``value`` as the last one that was measured. Joins the caller's transaction."""
    Measurement.objects.update_or_create(
        pk=name, defaults={"value": value, "detail": detail[:200], "measured_at": clock.now()}
    )


def latest() -> dict[str, Measurement]:
    """Return what was measured last, by name."""
    return {row.name: row for row in Measurement.objects.all()}
