"""Bringing the database back for good."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from core.backups import drills, rebuilding
from core.backups.faults import BackupFault
from core.backups.sealing import read_sealed
from core.backups.shelf import LOGICAL, Manifest, Shelf
from core.backups.taking import DUMP


def restore(
    place: Shelf, backup_id: str, *, data: Path, to_time: dt.datetime | None = None
) -> list[str]:
    """Write the data directory ``data`` and make it safe to serve from; return what was done.

    Raises:
        BackupFault: see :func:`rebuilding.rebuild`; or a check fails, then ``data`` is kept aside
            under another name for whoever looks into it.
    """
    manifest = _fitting(place, backup_id, to_time)
    rebuilding.rebuild(place, manifest, data=data, to_time=to_time)
    try:
        with rebuilding.private_server(data) as folder:
            urls = drills.private_urls(folder, manifest)
            told = drills.require_success(urls, "restore_finish")
            drills.check(urls)
    except BackupFault:
        data.rename(data.with_name(f"{data.name}.refused"))
        raise
    rebuilding.finish(data)
    at = f" as of {to_time.isoformat()}" if to_time else ""
    return [f"{manifest.id} is back in {data}{at}.", *told.splitlines()]


def open_dump(place: Shelf, backup_id: str, *, into: Path) -> str:
    """Write a logical backup to the new file ``into``, for ``pg_restore``; return its id.

    Raises:
        BackupFault: not a logical one, or not the file that was written.
        FileExistsError: nothing is written over it.
    """
    if backup_id == "latest":
        backup_id = next((m.id for m in reversed(place.backups()) if m.kind == LOGICAL), "latest")
    manifest = place.get(backup_id)
    if manifest.kind != LOGICAL:
        raise BackupFault(f"{manifest.id} is no dump: give --data a directory.")
    place.require_files(manifest)
    # For us alone from its first moment.
    handle = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        read_sealed(place.path(manifest.id) / DUMP, file)
    return manifest.id


def _fitting(place: Shelf, backup_id: str, to_time: dt.datetime | None) -> Manifest:
    if backup_id != "latest":
        return place.get(backup_id)
    physical = [
        manifest
        for manifest in place.backups()
        if manifest.kind != LOGICAL and (to_time is None or manifest.made_at <= to_time)
    ]
    if not physical:
        raise BackupFault("No physical backup is old enough for that." if to_time else "No backup.")
    return place.get(physical[-1].id)
