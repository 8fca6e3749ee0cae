"""What happens between two backups: the write-ahead log, received as it is written.

A receiver of our own user streams it from the server through a replication slot, so that nothing
is lost while it is away, and no program of ours runs inside PostgreSQL. A finished segment is
sealed onto the shelf; the unfinished one stays in the spool, where a restore finds it.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.backups import servers
from core.backups.faults import BackupFault
from core.backups.sealing import SUFFIX, read_sealed, write_sealed
from core.backups.shelf import Shelf, sync_folder

SLOT: Final = "strongroom_wal"
SEGMENT: Final = re.compile(r"[0-9A-F]{24}")
HISTORY: Final = re.compile(r"[0-9A-F]{8}\.history")
UNFINISHED: Final = ".partial"


def spool_of(place: Shelf) -> Path:
    """Return where the receiver writes."""
    return place.folder / "spool"


def start_receiver(place: Shelf) -> subprocess.Popen[bytes]:
    """Start to receive; the slot is made when it is missing.

    Raises:
        BackupFault: the server refuses.
    """
    spool = spool_of(place)
    for folder in (spool, place.wal):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    url = servers.backup_url()
    common = ("--no-password", f"--slot={SLOT}")
    servers.run("pg_receivewal", *common, "--create-slot", "--if-not-exists", url=url)
    return subprocess.Popen(  # noqa: S603 - PostgreSQL's own program, no shell
        [servers.program("pg_receivewal"), *common, f"--directory={spool}", "--synchronous"],
        env=servers.environment(url),
        stdin=subprocess.DEVNULL,
    )


def seal_finished(place: Shelf, tell: Callable[[str], None] = lambda _name: None) -> int:
    """Move every finished segment of the spool onto the shelf; return how many.

    A segment that was sealed before a crash and is still in the spool is sealed again.
    """
    moved = 0
    for path in sorted(spool_of(place).iterdir()):
        if not (SEGMENT.fullmatch(path.name) or HISTORY.fullmatch(path.name)):
            continue
        partial = place.wal / f"{path.name}{UNFINISHED}"
        partial.unlink(missing_ok=True)
        with path.open("rb") as file:
            write_sealed(file, partial)
        partial.replace(place.wal / f"{path.name}{SUFFIX}")
        sync_folder(place.wal)
        path.unlink()
        moved += 1
        tell(path.name)
    return moved


def segments(place: Shelf) -> list[str]:
    """Return the names of the segments on the shelf, in order."""
    if not place.wal.is_dir():
        return []
    names = (path.name.removesuffix(SUFFIX) for path in place.wal.glob(f"*{SUFFIX}"))
    return sorted(name for name in names if SEGMENT.fullmatch(name))


def newest_at(place: Shelf) -> dt.datetime:
    """Return when the newest piece of the log, finished or not, was last written to."""
    spool = spool_of(place)
    pieces = [*place.wal.glob(f"*{SUFFIX}"), *(spool.iterdir() if spool.is_dir() else [])]
    newest = max((path.stat().st_mtime for path in pieces), default=0.0)
    return dt.datetime.fromtimestamp(newest, dt.UTC)


def bring_back(place: Shelf, *, first: str, into: Path) -> int:
    """Open the log from segment ``first`` on into a folder; return how many segments there are.

    What the spool holds counts too, its unfinished segment last.

    Raises:
        BackupFault: a segment is missing between two others, or does not open.
    """
    into.mkdir(mode=0o700)
    names = [name for name in segments(place) if name[8:] >= first[8:]]
    for name in names:
        with (into / name).open("xb") as file:
            read_sealed(place.wal / f"{name}{SUFFIX}", file)
    for path in place.wal.glob(f"*.history{SUFFIX}"):
        with (into / path.name.removesuffix(SUFFIX)).open("xb") as file:
            read_sealed(path, file)
    spool = spool_of(place)
    for path in sorted(spool.iterdir()) if spool.is_dir() else []:
        name = path.name.removesuffix(UNFINISHED)
        if SEGMENT.fullmatch(name) and name[8:] >= first[8:] and not (into / name).exists():
            (into / name).write_bytes(path.read_bytes())
            names.append(name)
    _require_unbroken(sorted(names))
    return len(names)


def _require_unbroken(names: list[str]) -> None:
    numbers = sorted({int(name[8:16], 16) * 256 + int(name[16:], 16) for name in names})
    for before, after in itertools.pairwise(numbers):
        if after != before + 1:
            missing = f"{(before + 1) // 256:08X}{(before + 1) % 256:08X}"
            raise BackupFault(f"The segment that ends in {missing} is missing from the log.")
