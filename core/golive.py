"""May the service go live? Each item is verified by a run, attested by a person, or not covered.

There is no fourth state: what was verified too long ago, failed, or was vouched for until
yesterday is not covered.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from typing import Any, Final

from django.core.management import call_command, get_commands
from django.core.management.base import CommandError

from core import audit, clock, db, ids
from core.errors import InvalidInput
from core.models import GoLiveEvidence
from core.models.golive import ATTESTED, RUN
from core.principals import SYSTEM

VERIFIED: Final = "verified by a run"
VOUCHED: Final = "attested"
NOT_COVERED: Final = "not covered"
NOTE_LENGTH_MAX: Final = 500
ATTESTED_DAYS_MAX: Final = 366


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One thing that must be so. With a command a run verifies it, without one a person must."""

    name: str
    about: str
    command: tuple[str, ...] = ()
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    days: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """How one item stands, and why."""

    item: Item
    state: str
    detail: str


ITEMS: Final = (
    Item(
        "settings",
        "the settings are safe for production",
        ("check",),
        {"deploy": True, "fail_level": "WARNING"},
    ),
    Item("migrations", "the schema is the code's", ("migrate",), {"check_unapplied": True}),
    Item("database_security", "the database is closed, as far as its owner sees", ("db_security",)),
    Item("ledger", "the ledger is whole", ("ledger_verify",)),
    Item("audit", "the audit trail is what it was", ("audit_verify",)),
    Item("partitions", "months are made ahead", ("partitions_check",)),
    Item("consents", "the consents are what they were", ("consents_verify",)),
    Item("backups", "a backup was restored and compared", ("backup_verify",), {"drill": True}, 8),
    Item("database_logins", "db_security found nothing, run with the --url-file of a superuser"),
    Item("privacy_notice", "counsel has read the privacy notice"),
    Item("processors", "contracts with all processors of personal data are signed"),
    Item("disk_encryption", "disks and backups are encrypted"),
    Item("on_call", "somebody is on call, and alerts reach them"),
    Item("team_trained", "who runs the service has walked through its guides and runbooks"),
    Item("support_plan", "people know where to ask for help, and who answers when"),
    Item("penetration_test", "somebody else has tried to break in"),
    Item("load", "the expected load was tried on this hardware"),
    Item("key_escrow", "the encryption keys are kept where the servers cannot lose them"),
)


def states() -> list[State]:
    """Return how every item stands now."""
    return [_state_of(item) for item in ITEMS]


def run_checks() -> None:
    """Run what a run can verify, and keep how each ended; a check that fails stops no other."""
    for item in ITEMS:
        if item.command:
            has_passed, note = _ran(item)
            _keep(item, kind=RUN, has_passed=has_passed, note=note, days=item.days)


def attest(*, name: str, by: str, days: int, note: str) -> None:
    """Keep a person's word that an item is so. Commits or joins.

    Raises:
        InvalidInput: no such item, one that a run verifies, nobody named, or too many days.
    """
    item = next((each for each in ITEMS if each.name == name), None)
    if item is None:
        raise InvalidInput(f"There is no item {name}.", errors=[])
    if item.command:
        raise InvalidInput(f"{name} is verified by a run, not by anybody's word.", errors=[])
    if not by.strip() or not 1 <= days <= ATTESTED_DAYS_MAX:
        detail = f"Name a person, and 1 to {ATTESTED_DAYS_MAX} days."
        raise InvalidInput(detail, errors=[])

    def keep() -> None:
        row = _keep(item, kind=ATTESTED, has_passed=True, note=note, days=days, by=by.strip())
        audit.record(
            action="golive.attest",
            actor=SYSTEM,
            user_id=SYSTEM.user_id,
            target_type="golive_evidence",
            target_id=row.pk,
            item=row.item,
            by=row.by,
            note=row.note,
            counts_until=clock.as_rfc3339(row.expires_at),
        )

    db.run_in_transaction(keep)


def _state_of(item: Item) -> State:
    if item.command and item.command[0] not in get_commands():
        return State(item, NOT_COVERED, f"there is no command {item.command[0]}")
    kind = RUN if item.command else ATTESTED
    last = GoLiveEvidence.objects.filter(item=item.name, kind=kind).order_by("-id").first()
    if last is None:
        return State(item, NOT_COVERED, "never run" if item.command else "nobody vouched for it")
    age = _age(clock.now() - last.recorded_at)
    if not last.has_passed:
        return State(item, NOT_COVERED, f"failed {age} ago: {last.note}")
    if last.expires_at <= clock.now():
        return State(item, NOT_COVERED, f"too long ago: {age}")
    if kind == RUN:
        return State(item, VERIFIED, f"{age} ago")
    return State(item, VOUCHED, f"by {last.by}, until {last.expires_at:%Y-%m-%d}")


def _ran(item: Item) -> tuple[bool, str]:
    """Run an item's command; return whether it passed, and if not what it said."""
    if item.command[0] not in get_commands():
        return False, f"there is no command {item.command[0]}"
    said = io.StringIO()
    try:
        call_command(*item.command, stdout=said, stderr=said, **item.options)
    except (CommandError, SystemExit) as exc:
        ended_well = isinstance(exc, SystemExit) and exc.code in (0, None)
        return ended_well, "" if ended_well else _all_said(str(exc), said)
    except Exception as exc:  # noqa: BLE001 - a check that breaks has not passed, and others go on
        return False, type(exc).__name__
    return True, ""


def _all_said(reason: str, said: io.StringIO) -> str:
    lines = filter(None, map(str.strip, said.getvalue().splitlines()))
    return " ".join([*reason.split(), "; ".join(lines)]).strip()[:NOTE_LENGTH_MAX]


def _keep(
    item: Item, *, kind: str, has_passed: bool, note: str, days: int, by: str = ""
) -> GoLiveEvidence:
    now = clock.now()
    return GoLiveEvidence.objects.create(
        id=ids.uuid7(),
        item=item.name,
        kind=kind,
        has_passed=has_passed,
        by=by,
        note=note[:NOTE_LENGTH_MAX],
        recorded_at=now,
        expires_at=now + dt.timedelta(days=days),
    )


def _age(span: dt.timedelta) -> str:
    hours = int(span.total_seconds() // 3_600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"  # noqa: PLR2004 - two days
