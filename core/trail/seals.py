"""Seals on the audit trails, and what they prove.

A seal covers the next rows in the order of their ids, once no running transaction can still add
an earlier one. Its MAC needs a key that is not in the database, and chains it to the seal before;
a copy of each goes to a file outside, without which a cut-off end could not be seen.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac
import json
import os
import struct
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, LiteralString

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import Max
from psycopg import sql

from core import clock, crypto, db, ids
from core.models import AuditSeal, MonthArchive

TRAILS: Final = ("audit_change", "audit_event")
PURPOSE: Final = "audit-seal"
ROWS_IN_SEAL_MAX: Final = 1_000
# Ids are made before transactions begin, on other clocks than PostgreSQL's; by less than this.
MARGIN_S: Final = 60
WAIT_S: Final = 5.0
ADVISORY_LOCK: Final = 7_301_008
DIGEST_BYTES: Final = 32
FAULTS_MAX: Final = 20
_MEMBER_BYTES: Final = 16 + DIGEST_BYTES
_COLUMNS: Final = {
    "audit_event": (
        *("id", "user_id", "actor_id", "actor_kind", "impersonator_id", "session_id", "action"),
        *("target_type", "target_id", "outcome", "request_id", "client_address", "data"),
    ),
    "audit_change": (
        *("id", "user_id", "actor_id", "actor_kind", "impersonator_id", "session_id"),
        *("request_id", "client_address", "reason", "table_name", "row_id", "operation"),
        *("before", "after", "database_role"),
    ),
}

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a seal, or with one row of a trail."""

    trail: str
    seal: int
    row: uuid.UUID | None
    what: str


@dataclasses.dataclass(slots=True)
class Report:
    """What was looked at, and what is wrong with it."""

    seals: int = 0
    rows: int = 0
    archived: int = 0
    faults: list[Fault] = dataclasses.field(default_factory=list)


def seal_trails() -> int:
    """Seal every row that is final and not sealed yet; return how many there were.

    Each seal is a transaction of its own. Rows of the last minute wait for the next time; a
    transaction that stays open holds sealing back.
    """
    until = _final_before()
    if until is None:
        return 0
    sealed = 0
    for trail in TRAILS:
        while (seal := db.run_in_transaction(lambda: _seal_next(trail, until))) is not None:  # noqa: B023 - it runs at once
            _note_outside(seal)
            sealed += seal.rows
            if seal.rows < ROWS_IN_SEAL_MAX:
                break
    return sealed


def note_restored() -> None:
    """Tell the file outside that this database is an earlier one again.

    What the file says of seals after the last ones here is history that was left behind.
    """
    _append_outside({"restored_at": clock.as_rfc3339(clock.now()), "heads": _heads()})


def verify_trails(*, is_restored: bool = False) -> Report:
    """Check every seal, every sealed row and the file outside; see docs/audit.md.

    ``is_restored`` says that the database was brought back and :func:`note_restored` not called:
    seals that only the file has, after the last ones here, are no fault.
    """
    report = Report()
    for trail in TRAILS:
        report.faults += _faults_of_chain(trail, report)
        report.faults += _put_in_later(trail)
    report.faults += _faults_of_checkpoints(is_restored=is_restored)
    del report.faults[FAULTS_MAX:]
    return report


def _final_before() -> uuid.UUID | None:
    """Return an id below which no row can appear any more; ``None`` while that cannot be told."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        (next_xid,) = cursor.fetchone() or (0,)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if (cursor.fetchone() or (0,))[0] >= next_xid:
                return ids.first_uuid7_at(now - dt.timedelta(seconds=MARGIN_S))
            time.sleep(0.05)
    log.warning("audit_not_sealed", reason="a transaction stays open")
    return None


def _seal_next(trail: str, until: uuid.UUID) -> AuditSeal | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    head = AuditSeal.objects.filter(trail=trail).order_by("-number").first()
    after = head.last_id if head else uuid.UUID(int=0)
    rows = list(_digests(trail, after, until, ROWS_IN_SEAL_MAX))
    if not rows:
        return None
    seal = AuditSeal(
        id=ids.uuid7(),
        trail=trail,
        number=head.number + 1 if head else 1,
        rows=len(rows),
        last_id=rows[-1][0],
        members=b"".join(identifier.bytes + digest for identifier, digest in rows),
        key_id=crypto.current_key_id(),
    )
    seal.mac = _mac(seal, bytes(head.mac) if head else b"")
    seal.save(force_insert=True)
    return seal


def _mac(seal: AuditSeal, previous: bytes) -> bytes:
    """Return the HMAC-SHA256 over a seal: trail, number, the MAC before it, digests of rows."""
    parts = (seal.trail.encode(), struct.pack(">q", seal.number), previous, bytes(seal.members))
    message = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return crypto.tag(message, purpose=PURPOSE, key_id=seal.key_id)


def _digests(
    trail: str, after: uuid.UUID, until: uuid.UUID, limit: int
) -> Iterator[tuple[uuid.UUID, bytes]]:
    statement = _digest_statement(trail, "id > %s AND id < %s ORDER BY id LIMIT %s")
    with connection.cursor() as cursor:
        cursor.execute(statement, [after, until, limit])
        yield from ((identifier, bytes(digest)) for identifier, digest in cursor.fetchall())


def _digest_statement(trail: str, where: LiteralString) -> sql.Composed:
    """Return the SELECT of ids and of SHA-256 over the columns as JSON, instants in UTC."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in _COLUMNS[trail])
    return sql.SQL(
        "SELECT id, sha256(convert_to(jsonb_build_array({columns}, "
        "(recorded_at AT TIME ZONE 'UTC')::text)::text, 'UTF8')) FROM {trail} WHERE {where}"
    ).format(columns=columns, trail=sql.Identifier(trail), where=sql.SQL(where))


def _faults_of_chain(trail: str, report: Report) -> Iterator[Fault]:
    previous, expected = b"", 1
    for seal in AuditSeal.objects.filter(trail=trail).order_by("number").iterator(chunk_size=10):
        if seal.number != expected:
            yield Fault(trail, expected, None, "the seal is gone")
        if not _is_ours(seal, previous):
            yield Fault(trail, seal.number, None, "the seal is not one of ours in this place")
        yield from _faults_of_rows(seal, report)
        previous, expected = bytes(seal.mac), seal.number + 1
        report.seals += 1


def _is_ours(seal: AuditSeal, previous: bytes) -> bool:
    try:
        return hmac.compare_digest(_mac(seal, previous), bytes(seal.mac))
    except crypto.SealBroken:
        return False


def _faults_of_rows(seal: AuditSeal, report: Report) -> Iterator[Fault]:
    members = dict(_members(seal))
    with connection.cursor() as cursor:
        cursor.execute(_digest_statement(seal.trail, "id = ANY (%s)"), [list(members)])
        found = {identifier: bytes(digest) for identifier, digest in cursor.fetchall()}
    for identifier, digest in members.items():
        report.rows += 1
        if identifier not in found and _is_archived(identifier):
            report.archived += 1
        elif identifier not in found:
            yield Fault(seal.trail, seal.number, identifier, "the row is gone")
        elif found[identifier] != digest:
            yield Fault(seal.trail, seal.number, identifier, "the row was altered")


def _members(seal: AuditSeal) -> Iterator[tuple[uuid.UUID, bytes]]:
    content = bytes(seal.members)
    for start in range(0, len(content), _MEMBER_BYTES):
        member = content[start : start + _MEMBER_BYTES]
        yield uuid.UUID(bytes=member[:16]), member[16:]


def _is_archived(identifier: uuid.UUID) -> bool:
    return MonthArchive.objects.filter(
        first_id__lte=identifier, end_id__gt=identifier, restored_at=None
    ).exists()


def _put_in_later(trail: str) -> Iterator[Fault]:
    """Find rows that stand before the head of the chain and are in no seal."""
    chain = AuditSeal.objects.filter(trail=trail).order_by("number")
    head = chain.last()
    if head is None:
        return
    sealed = {
        identifier for seal in chain.iterator(chunk_size=10) for identifier, _ in _members(seal)
    }
    with connection.cursor() as cursor:
        statement = sql.SQL("SELECT id FROM {} WHERE id <= %s ORDER BY id")
        cursor.execute(statement.format(sql.Identifier(trail)), [head.last_id])
        for (identifier,) in cursor:
            if identifier not in sealed:
                yield Fault(trail, head.number, identifier, "the row was put in later")


def _note_outside(seal: AuditSeal) -> None:
    """Append the seal to the file outside, on the disk before this returns."""
    line = {
        "trail": seal.trail,
        "number": seal.number,
        "last_id": str(seal.last_id),
        "mac": bytes(seal.mac).hex(),
        "sealed_at": clock.as_rfc3339(clock.now()),
    }
    _append_outside(line)
    log.info("audit_sealed", **line)


def _append_outside(line: dict[str, Any]) -> None:
    path = _checkpoints()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _faults_of_checkpoints(*, is_restored: bool) -> Iterator[Fault]:
    """Compare the seals with their copies outside."""
    macs = {
        (trail, number): bytes(mac).hex()
        for trail, number, mac in AuditSeal.objects.values_list("trail", "number", "mac")
    }
    outside = _Outside()
    yield from outside.read(_checkpoints())
    if is_restored:
        outside.leave_behind(_heads())
    for place, mac in outside.macs.items():
        if place in macs and macs[place] != mac:
            yield Fault(*place, None, "the seal is not the one in the file outside")
        elif place not in macs and place not in outside.left_behind:
            yield Fault(*place, None, "the seal is in the file outside and not in the database")
    for place in sorted(macs.keys() - outside.macs.keys()):
        yield Fault(*place, None, "the seal is not in the file outside")


class _Outside:
    """What the file outside says: the MAC of each seal, and which a restore left behind."""

    def __init__(self) -> None:
        self.macs: dict[tuple[str, int], str] = {}
        self.left_behind: set[tuple[str, int]] = set()

    def read(self, path: Path) -> Iterator[Fault]:
        """Take in the file's lines in their order; return what cannot be read."""
        for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
            try:
                self._take(json.loads(text))
            except (ValueError, KeyError, TypeError, AttributeError):
                yield Fault("", 0, None, f"a line of {path} cannot be read")

    def leave_behind(self, heads: dict[str, int]) -> None:
        """Expect no seal after ``heads``, until the file says of it again."""
        self.left_behind |= {place for place in self.macs if place[1] > int(heads[place[0]])}

    def _take(self, line: dict[str, Any]) -> None:
        if "restored_at" in line:
            self.leave_behind(line["heads"])
            return
        place = (str(line["trail"]), int(line["number"]))
        self.macs[place] = str(line["mac"])
        self.left_behind.discard(place)


def _heads() -> dict[str, int]:
    """Return the number of the last seal of each trail; zero before the first."""
    last = AuditSeal.objects.order_by().values_list("trail").annotate(Max("number"))
    return dict.fromkeys(TRAILS, 0) | dict(last)


def _checkpoints() -> Path:
    path: Path = settings.BASE_DIR / settings.ENV.audit_checkpoints
    return path
