"""Moving a month of the big tables into files, and back.

The files are plain COPY text, compressed, with a manifest of counts, sums and hashes. A month
leaves only after its files were read back and equal what is about to be dropped. What other rows
derive from it is kept by the apps, which listen to the hooks that fire in the same transaction.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import hashlib
import json
import shutil
from pathlib import Path
from typing import IO, Any, Final

from django.db import DatabaseError, connections, transaction
from psycopg import sql

from core import clock, db, hooks, ids, partitions
from core.models import MonthArchive
from core.version import VERSION

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
LOCK_TIMEOUT_MS: Final = 5_000
_CHUNK: Final = 1 << 20
_COLUMNS: Final = """
    SELECT attname, atttypid = 'bigint'::regtype FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname
"""


class ArchiveFault(Exception):
    """The month cannot leave or come back; nothing was changed."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """A partition of the month, with its columns by name and those that are summed."""

    table: str
    partition: str
    columns: tuple[str, ...]
    summed: tuple[str, ...]


def archive_month(*, month: dt.date, folder: Path, allow_current: bool = False) -> MonthArchive:
    """Write a month of every big table to a new folder below ``folder``, then drop it here.

    Runs as the owner role. The month that is still being written to is only taken when
    ``allow_current``; writers wait for it, and find an empty month afterwards.

    Raises:
        ArchiveFault: the month is not over, not there, in use, or changed meanwhile.
    """
    month = month.replace(day=1)
    is_over = month < clock.now().date().replace(day=1)
    if not is_over and not allow_current:
        raise ArchiveFault(f"{month:%Y-%m} is not over.")
    hooks.fire(hooks.MONTH_LEAVING)
    parts = _parts(month)
    if not parts:
        raise ArchiveFault(f"{month:%Y-%m} is not here.")
    first_id, end_id = partitions.month_bounds(month)
    archive = MonthArchive(
        id=ids.uuid7(), month=month, first_id=first_id, end_id=end_id, archived_at=clock.now()
    )
    target = folder / f"{month:%Y-%m}-{archive.pk}"
    target.mkdir(parents=True)
    try:
        archive.folder = str(target)
        archive.manifest = _written(target, archive, parts)
        _require_equal_files(target, archive.manifest, parts)
        _leave(archive, parts, is_over=is_over)
    except BaseException:
        shutil.rmtree(target)
        raise
    return archive


def restore_archive(*, folder: Path) -> MonthArchive:
    """Bring the rows of an archive's folder back, all of them or none; the files stay.

    Raises:
        ArchiveFault: the files are not those that were written, or their rows are here.
    """
    manifest = _read_manifest(folder)
    archive = MonthArchive.objects.using("owner").filter(pk=manifest["id"]).first()
    if archive is None:
        raise ArchiveFault("This database did not write that archive.")
    if archive.restored_at is not None:
        raise ArchiveFault(f"It was restored at {clock.as_rfc3339(archive.restored_at)}.")
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for table in manifest["tables"]:
            partitions.create_month(cursor, table, archive.month)
        for part in _parts(archive.month):
            if part.table in manifest["tables"]:
                loaded = _loaded(cursor, folder, archive.manifest, part)
                cursor.execute(
                    sql.SQL("INSERT INTO {} ({columns}) SELECT {columns} FROM {}").format(
                        sql.Identifier(part.partition), loaded, columns=_list(part.columns)
                    )
                )
        archive.restored_at = clock.now()
        archive.save(using="owner", update_fields=["restored_at"])
        hooks.fire(hooks.MONTH_RESTORED, archive=archive, using="owner")
    return archive


def _parts(month: dt.date) -> list[_Part]:
    parts = []
    with connections["owner"].cursor() as cursor:
        for table in partitions.partitioned_tables():
            name = partitions.partition_name(table, month)
            if not partitions.is_attached(cursor, name):
                continue
            cursor.execute(_COLUMNS, [f'"{name}"'])
            columns = cursor.fetchall()
            parts.append(
                _Part(
                    table,
                    name,
                    tuple(column for column, _ in columns),
                    tuple(column for column, is_number in columns if is_number),
                )
            )
    return parts


def _written(target: Path, archive: MonthArchive, parts: list[_Part]) -> dict[str, Any]:
    """Write every file and the manifest, all in one snapshot."""
    tables = {}
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for part in parts:
            name = f"{part.table}.copy.gz"
            with (target / name).open("wb") as file:
                _dump(cursor, part, file)
            tables[part.table] = {
                "file": name,
                "sha256": _sha256(target / name),
                "columns": list(part.columns),
                **_measured(cursor, sql.Identifier(part.partition), part),
            }
    manifest = {
        "format": FORMAT,
        "id": str(archive.pk),
        "month": f"{archive.month:%Y-%m}",
        "made_at": clock.as_rfc3339(archive.archived_at),
        "made_by": f"strongroom {VERSION}",
        "tables": tables,
    }
    (target / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def _dump(cursor: Any, part: _Part, file: IO[bytes]) -> None:
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
        _list(part.columns), sql.Identifier(part.partition)
    )
    # Without a time in its header the same rows make the same file.
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed, cursor.copy(statement) as rows:
        for chunk in rows:
            packed.write(chunk)


def _require_equal_files(target: Path, manifest: dict[str, Any], parts: list[_Part]) -> None:
    """Read every file back into PostgreSQL and measure what arrives."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for part in parts:
            _loaded(cursor, target, manifest, part)


def _leave(archive: MonthArchive, parts: list[_Part], *, is_over: bool) -> None:
    try:
        with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_TIMEOUT_MS}ms"])
            for part in parts:
                # Of the month that is written to, the parents: writers lock those first.
                cursor.execute(
                    sql.SQL("LOCK TABLE {} IN {} MODE").format(
                        sql.Identifier(part.partition if is_over else part.table),
                        sql.SQL("SHARE ROW EXCLUSIVE" if is_over else "ACCESS EXCLUSIVE"),
                    )
                )
            for part in parts:
                _require_same(
                    _measured(cursor, sql.Identifier(part.partition), part),
                    archive.manifest["tables"][part.table],
                    f"{part.partition} changed meanwhile; try again.",
                )
            archive.save(using="owner", force_insert=True)
            hooks.fire(hooks.MONTH_ARCHIVED, archive=archive, using="owner")
            for part in parts:
                _drop(cursor, part)
                if not is_over:
                    partitions.create_month(cursor, part.table, archive.month)
    except DatabaseError as exc:
        if db.sqlstate(exc) not in db.RETRIABLE_SQLSTATES:
            raise
        raise ArchiveFault(f"{archive.month:%Y-%m} is in use; try again.") from exc


def _drop(cursor: Any, part: _Part) -> None:
    table, partition = sql.Identifier(part.table), sql.Identifier(part.partition)
    cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(table, partition))
    cursor.execute(sql.SQL("DROP TABLE {}").format(partition))


def _loaded(cursor: Any, folder: Path, manifest: dict[str, Any], part: _Part) -> sql.Identifier:
    """Load a file into a temporary table of this transaction; its rows are the manifest's."""
    known = manifest["tables"][part.table]
    path = folder / known["file"]
    if not path.is_file() or _sha256(path) != known["sha256"]:
        raise ArchiveFault(f"{path} is not the file that was written.")
    if tuple(known["columns"]) != part.columns:
        raise ArchiveFault(f"{part.table} has other columns now; migrate a copy and restore there.")
    table = sql.Identifier(f"archived_{part.table}")
    cursor.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(
            table, sql.Identifier(part.partition)
        )
    )
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, _list(part.columns))
    with gzip.open(path, "rb") as packed, cursor.copy(statement) as rows:
        while chunk := packed.read(_CHUNK):
            rows.write(chunk)
    _require_same(
        _measured(cursor, table, part), known, f"{path} does not hold the rows of its manifest."
    )
    return table


def _measured(cursor: Any, table: sql.Identifier, part: _Part) -> dict[str, Any]:
    """Return how many rows there are, the sum of each whole-number column, and a sum of hashes."""
    sums = [
        sql.SQL("coalesce(sum({}), 0)::text").format(sql.Identifier(name)) for name in part.summed
    ]
    cursor.execute(
        sql.SQL(
            "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0)::text, "
            "ARRAY[{}]::text[] FROM {}"
        ).format(_list(part.columns), sql.SQL(", ").join(sums), table)
    )
    rows, rows_hash, totals = cursor.fetchone()
    return {
        "rows": rows,
        "rows_hash": rows_hash,
        "sums": dict(zip(part.summed, totals, strict=True)),
    }


def _require_same(found: dict[str, Any], known: dict[str, Any], otherwise: str) -> None:
    if any(known[name] != value for name, value in found.items()):
        raise ArchiveFault(otherwise)


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ArchiveFault(f"{folder / MANIFEST} cannot be read.") from exc
    if manifest.get("format") != FORMAT:
        raise ArchiveFault(f"{folder / MANIFEST} has another format.")
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _list(columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column) for column in columns)
