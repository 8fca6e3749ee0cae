"""Looking whether the ledger holds, without anybody asking."""

from __future__ import annotations

import structlog

from core.operations import measurements
from transactions import verification

log = structlog.get_logger(__name__)


def note_faults() -> int:
    """Run every check of the ledger, keep how many faults it found, and return that.

    Reads everything in one snapshot and blocks nobody.
    """
    found = [finding for finding in verification.verify() if finding.faults]
    faults = sum(finding.faults for finding in found)
    broken = ", ".join(finding.check.name for finding in found)
    measurements.note(measurements.LEDGER_FAULTS, faults, detail=broken)
    if faults:
        log.error("ledger_does_not_hold", faults=faults, checks=broken)
    return faults
