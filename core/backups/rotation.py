"""Which backups may go: grandfathers, fathers and sons, and never what proves or reaches."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from collections.abc import Callable, Collection
from typing import Final

from core.backups import wal
from core.backups.sealing import SUFFIX
from core.backups.shelf import LOGICAL, Manifest, Shelf


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How many days, weeks, months and years keep their newest backup, and how far back the
    database can be brought to any instant.
    """

    daily: int = 7
    weekly: int = 5
    monthly: int = 12
    yearly: int = 7
    recovery_days: int = 7


_PERIODS: Final[dict[str, Callable[[dt.datetime], tuple[int, ...]]]] = {
    "daily": lambda at: (at.year, at.month, at.day),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: (at.year,),
}


def kept(
    backups: Collection[Manifest], *, verified: Collection[str], policy: Policy, now: dt.datetime
) -> set[str]:
    """Return the ids of the backups that stay.

    The newest of each period; the newest one of all and the newest verified one; every physical
    one inside the recovery window and the newest one before it; and what those build on.
    """
    ordered = sorted(backups, key=lambda manifest: manifest.made_at)
    keep: set[str] = set()
    for name, period in _PERIODS.items():
        newest = {period(manifest.made_at): manifest.id for manifest in ordered}
        count = getattr(policy, name)
        keep |= {newest[key] for key in sorted(newest)[-count:]} if count else set()
    keep |= {manifest.id for manifest in ordered[-1:]}
    proved = [manifest.id for manifest in ordered if manifest.id in verified]
    keep |= set(proved[-1:])
    keep |= {manifest.id for manifest in _reaching(ordered, policy, now)}
    return _with_parents(keep, {manifest.id: manifest for manifest in ordered})


def prune(
    place: Shelf, *, policy: Policy, now: dt.datetime, dry_run: bool = False
) -> tuple[list[str], list[str]]:
    """Remove what may go; return the backups and the segments that went, or would.

    Raises:
        BackupFault: somebody else works on the shelf.
    """
    with place.only_one():
        gone, segments = superfluous(place, policy=policy, now=now)
        if not dry_run:
            for backup_id in gone:
                shutil.rmtree(place.path(backup_id))
            for name in segments:
                (place.wal / f"{name}{SUFFIX}").unlink()
    return gone, segments


def superfluous(place: Shelf, *, policy: Policy, now: dt.datetime) -> tuple[list[str], list[str]]:
    """Return the backups and the segments of the log that may go.

    Newest first: an incremental one never outlives what it builds on.
    """
    backups = place.backups()
    verified = [manifest.id for manifest in backups if place.verified(manifest)]
    keep = kept(backups, verified=verified, policy=policy, now=now)
    reaching = _reaching(backups, policy, now)
    first = min((manifest.wal["first_segment"][8:] for manifest in reaching), default=None)
    segments = [name for name in wal.segments(place) if first and name[8:] < first]
    return [m.id for m in reversed(backups) if m.id not in keep], segments


def _reaching(backups: Collection[Manifest], policy: Policy, now: dt.datetime) -> list[Manifest]:
    """Return the physical backups from which every instant of the window can be reached."""
    physical = sorted(
        (manifest for manifest in backups if manifest.kind != LOGICAL),
        key=lambda manifest: manifest.made_at,
    )
    begins = now - dt.timedelta(days=policy.recovery_days)
    before = [manifest for manifest in physical if manifest.made_at <= begins]
    return before[-1:] + [manifest for manifest in physical if manifest.made_at > begins]


def _with_parents(keep: set[str], known: dict[str, Manifest]) -> set[str]:
    found = set(keep)
    for backup_id in keep:
        parent = known[backup_id].parent
        while parent is not None and parent in known:
            found.add(parent)
            parent = known[parent].parent
    return found
