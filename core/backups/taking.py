"""Taking a backup of a running server; nobody who writes to it waits."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psycopg

from core import clock
from core.backups import servers, shelf, totals
from core.backups.faults import BackupFault
from core.backups.sealing import SUFFIX, Readable, SealedFile, write_sealed
from core.backups.shelf import INCREMENTAL, LOGICAL, Manifest, Shelf
from core.version import VERSION

ADVISORY_LOCK: Final = 7_301_010
PG_MANIFEST: Final = "backup_manifest"
CLUSTER: Final = f"cluster.tar{SUFFIX}"
DUMP: Final = f"database.dump{SUFFIX}"
# Room that must be left: the last backup of the kind, and a third more.
ROOM: Final = 1.3
_BLOCK: Final = 512
_SERVER: Final = """
    SELECT current_setting('server_version'), system_identifier::text, current_database(),
           pg_database_size(current_database())
    FROM pg_control_system()
"""
Watch = Callable[[int], None]


def take_backup(
    *, kind: str, label: str = "", into: Shelf | None = None, watch: Watch | None = None
) -> Manifest:
    """Take a backup and return its manifest; ``watch`` hears how many bytes were read so far.

    ``full`` and ``incremental`` copy the whole cluster with what is needed of the write-ahead
    log; ``logical`` dumps the database in one snapshot.

    Raises:
        BackupFault: somebody else is at it, there is no room, nothing to build on, or one of
            PostgreSQL's programs failed. Nothing is left behind.
    """
    place = into or Shelf()
    with (
        place.only_one(),
        psycopg.connect(servers.backup_url(), autocommit=True) as connection,
    ):
        if not _locked(connection):
            raise BackupFault("Another backup of this server is running.")
        parent = _parent(place) if kind == INCREMENTAL else None
        _require_room(place, kind, connection)
        began_at = clock.now()
        with place.new(kind, began_at) as (backup_id, partial):
            facts = _facts(connection)
            counted = totals.read_totals(connection)
            wal: dict[str, Any] = {}
            if kind == LOGICAL:
                files = _dump(connection, partial, watch)
            else:
                files, wal = _copy(place, partial, backup_id, parent, watch)
                wal["first_segment"] = _segment(connection, wal["start_lsn"], wal["timeline"])
            manifest = Manifest(
                id=backup_id,
                kind=kind,
                parent=parent.id if parent else None,
                label=label,
                began_at=clock.as_rfc3339(began_at),
                ended_at=clock.as_rfc3339(clock.now()),
                made_by=f"strongroom {VERSION}",
                wal=wal,
                totals=counted,
                files=files,
                **facts,
            )
            place.publish(manifest, partial)
            return manifest


def _locked(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK]).fetchone()
    return bool(row and row[0])


def _parent(place: Shelf) -> Manifest:
    physical = [manifest for manifest in place.backups() if manifest.kind != LOGICAL]
    if not physical:
        raise BackupFault("There is no full backup to build on: take one first.")
    return physical[-1]


def _require_room(place: Shelf, kind: str, connection: psycopg.Connection[Any]) -> None:
    before = [manifest.size_bytes for manifest in place.backups() if manifest.kind == kind]
    row = connection.execute(_SERVER).fetchone()
    assert row is not None, "it always has one row"
    needed = int(before[-1] * ROOM) if before else row[3]
    free = servers.free_bytes(place.folder)
    if free < needed:
        raise BackupFault(
            f"{place.folder} has {free:,} bytes left and the backup may need {needed:,}."
        )


def _facts(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    row = connection.execute(_SERVER).fetchone()
    assert row is not None, "as above"
    migrations = connection.execute(
        "SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app"
    )
    return {
        "server": {"version": row[0], "system_identifier": row[1], "database": row[2]},
        "migrations": dict(migrations.fetchall()),
    }


def _dump(
    connection: psycopg.Connection[Any], partial: Path, watch: Watch | None
) -> list[SealedFile]:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None, "as above"
        arguments = ("--format=custom", "--compress=0", "--no-password", f"--snapshot={row[0]}")
        with servers.output_of("pg_dump", *arguments, url=servers.backup_url()) as output:
            return [write_sealed(_Watched(output, watch), partial / DUMP)]


def _copy(
    place: Shelf, partial: Path, label: str, parent: Manifest | None, watch: Watch | None
) -> tuple[list[SealedFile], dict[str, Any]]:
    """Copy the cluster as one archive; keep PostgreSQL's own list of it in clear beside it."""
    arguments = [
        *("--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast"),
        *("--no-password", f"--label={label}"),
    ]
    if parent is not None:
        arguments.append(f"--incremental={place.path(parent.id) / PG_MANIFEST}")
    with servers.output_of("pg_basebackup", *arguments, url=servers.backup_url()) as output:
        spy = _ManifestSpy(_Watched(output, watch))
        sealed = write_sealed(spy, partial / CLUSTER)
    if not spy.found:
        raise BackupFault("pg_basebackup gave no list of its files; is PostgreSQL older than 15?")
    own_list = partial / PG_MANIFEST
    own_list.write_bytes(spy.found)
    with own_list.open("rb") as file:
        os.fsync(file.fileno())
    ranges = json.loads(spy.found)["WAL-Ranges"]
    wal = {
        "timeline": ranges[-1]["Timeline"],
        "start_lsn": ranges[0]["Start-LSN"],
        "stop_lsn": ranges[-1]["End-LSN"],
    }
    size = len(spy.found)
    listed = SealedFile(PG_MANIFEST, size, shelf.sha256_of(own_list), size)
    return [sealed, listed], wal


def _segment(connection: psycopg.Connection[Any], lsn: str, timeline: int) -> str:
    row = connection.execute("SELECT pg_walfile_name(%s::pg_lsn)", [lsn]).fetchone()
    assert row is not None, "as above"
    return f"{timeline:08X}{row[0][8:]}"


class _Watched:
    """Tells ``watch`` how much was read."""

    def __init__(self, source: Readable, watch: Watch | None) -> None:
        self._source = source
        self._watch = watch
        self._bytes = 0

    def read(self, size: int, /) -> bytes:
        chunk = self._source.read(size)
        self._bytes += len(chunk)
        if self._watch is not None:
            self._watch(self._bytes)
        return chunk


class _ManifestSpy:
    """Passes an archive on and keeps the member ``backup_manifest`` of it."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._head = bytearray()
        self._left = 0
        self._wanted = 0
        self.found = bytearray()

    def read(self, size: int, /) -> bytes:
        chunk = self._source.read(size)
        self._look(memoryview(chunk))
        return chunk

    def _look(self, chunk: memoryview) -> None:
        while chunk:
            if self._left:
                part, chunk = chunk[: self._left], chunk[self._left :]
                self._left -= len(part)
                self.found += part[: self._wanted]
                self._wanted -= min(self._wanted, len(part))
                continue
            missing = _BLOCK - len(self._head)
            self._head += chunk[:missing]
            chunk = chunk[missing:]
            if len(self._head) == _BLOCK:
                self._begin_member(bytes(self._head))
                self._head.clear()

    def _begin_member(self, head: bytes) -> None:
        if not head.strip(b"\0"):
            return
        member = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        self._left = -(-member.size // _BLOCK) * _BLOCK
        self._wanted = member.size if member.name == PG_MANIFEST else 0
