"""Looking whether the ledger holds, without anybody asking, and stopping it where it does not."""

from __future__ import annotations

from typing import Final

import structlog
from django.db import transaction

from core import modes, runtime_settings
from core.operations import measurements
from core.principals import SYSTEM
from core.runtime_settings import Setting, declare
from transactions import verification

FAULT_STOPS_WRITES: Final = declare(
    Setting(
        name="ledger_fault_stops_writes",
        default=True,
        about="Whether the service becomes read_only when the hourly look at the ledger finds a "
        "fault that was not there before.",
    )
)
TOLD: Final = "The books are being checked. Reading works; what changes anything waits."

log = structlog.get_logger(__name__)


def note_faults() -> int:
    """Run every check of the ledger, keep how many faults it found, and return that.

    Reads everything in one snapshot and blocks nobody. More faults than the last time stop all
    writes: money must not move on in books that do not hold. Who lets them go on, knowing the
    faults, is not stopped again by the same ones. Commits its own transaction.
    """
    found = _broken()
    if found:
        # Stopping everybody's money takes two witnesses.
        found = _broken()
    faults, broken = sum(found.values()), ", ".join(found)
    if faults:
        log.error("ledger_does_not_hold", faults=faults, checks=broken)
    # Together: a fault that is noted without having stopped anything would be an old one then.
    with transaction.atomic():
        before = measurements.latest().get(measurements.LEDGER_FAULTS)
        if faults > (before.value if before else 0):
            _stop_writes(f"The ledger has {faults} faults: {broken}.")
        measurements.note(measurements.LEDGER_FAULTS, faults, detail=broken)
    return faults


def _broken() -> dict[str, int]:
    found = verification.verify()
    return {finding.check.name: finding.faults for finding in found if finding.faults}


def _stop_writes(reason: str) -> None:
    runtime_settings.forget()  # what holds now, not what held some seconds ago
    if FAULT_STOPS_WRITES.value and modes.MODE.value == modes.NORMAL:
        modes.change_mode(mode=modes.READ_ONLY, message=TOLD, reason=reason, actor=SYSTEM)
        log.error("writes_stopped", reason=reason)
