"""Is history what it was when it was sealed? Names the first row that is not."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from typing import Any, Final

from django.db import connection

from core.models import MonthArchive
from transactions import canonical, selectors
from transactions.models import Seal

FAULTS_MAX: Final = 10
_MEMBER_BYTES: Final = 16 + canonical.DIGEST_BYTES
_NOT_AFTER_HEAD: Final = """
    SELECT id FROM "transaction"
    WHERE epoch < %(epoch)s OR (epoch = %(epoch)s AND (xid, id) <= (%(xid)s::text::xid8, %(id)s))
    ORDER BY epoch, xid, id
"""


@dataclasses.dataclass(frozen=True, slots=True)
class SealFault:
    """What is wrong with a seal, or with one transaction in it."""

    seal: int
    transaction_id: uuid.UUID | None
    what: str


@dataclasses.dataclass(slots=True)
class SealReport:
    """What was looked at, and what is wrong with it in the order of the chain."""

    seals: int = 0
    transactions: int = 0
    last_seal: int = 0
    archived: int = 0
    faults: list[SealFault] = dataclasses.field(default_factory=list)


def verify_seals(*, first: int = 1, seals_max: int | None = None) -> SealReport:
    """Check the chain and every transaction in it, from seal ``first`` on.

    A whole check also finds transactions that were put in among sealed ones later.
    """
    report = SealReport()
    before = Seal.objects.filter(number=first - 1).first()
    expected = bytes(before.hash) if before else bytes(canonical.DIGEST_BYTES)
    chain = Seal.objects.filter(number__gte=first).order_by("number")
    for seal in chain[:seals_max].iterator(chunk_size=10):
        report.faults += _faults_of(seal, expected, report, number=first + report.seals)
        expected = bytes(seal.hash)
        report.seals += 1
        report.transactions += seal.transactions
        report.last_seal = seal.number
        if len(report.faults) >= FAULTS_MAX:
            return report
    if first == 1 and seals_max is None and report.seals:
        report.faults += _unsealed()
        report.faults += _gone_beside_archives(report)
    return report


def _faults_of(
    seal: Seal, expected: bytes, report: SealReport, *, number: int
) -> Iterator[SealFault]:
    if seal.number != number:
        yield SealFault(number, None, "the seal is gone")
    if bytes(seal.previous_hash) != expected:
        yield SealFault(seal.number, None, "the chain is broken before this seal")
    content = bytes(seal.members)
    if bytes(seal.hash) != canonical.seal_hash(
        number=seal.number, previous_hash=bytes(seal.previous_hash), members=content
    ):
        yield SealFault(seal.number, None, "the seal itself was altered")
    members = dict(_members(seal))
    found = selectors.transaction_digests(list(members))
    for identifier, digest in members.items():
        if identifier not in found and _is_archived(identifier):
            report.archived += 1
        elif identifier not in found:
            yield SealFault(seal.number, identifier, "the transaction is gone")
        elif found[identifier] != digest:
            yield SealFault(seal.number, identifier, "the transaction was altered")


def _is_archived(identifier: uuid.UUID) -> bool:
    return MonthArchive.objects.filter(
        first_id__lte=identifier, end_id__gt=identifier, restored_at=None
    ).exists()


def _gone_beside_archives(report: SealReport) -> Iterator[SealFault]:
    """Compare how many transactions are gone with how many the archives hold."""
    manifests = MonthArchive.objects.filter(restored_at=None).values_list("manifest", flat=True)
    archived = sum(manifest["tables"]["transaction"]["rows"] for manifest in manifests)
    if report.archived != archived:
        what = f"{report.archived} transactions are gone, {archived} are in archives"
        yield SealFault(report.last_seal, None, what)


def _members(seal: Seal) -> Iterator[tuple[uuid.UUID, bytes]]:
    content = bytes(seal.members)
    for start in range(0, len(content), _MEMBER_BYTES):
        member = content[start : start + _MEMBER_BYTES]
        yield uuid.UUID(bytes=member[:16]), member[16:]


def _unsealed() -> Iterator[SealFault]:
    """Find transactions that stand before the head of the chain and are in no seal."""
    head: Any = selectors.last_seal()
    sealed = {
        identifier
        for seal in Seal.objects.order_by("number").iterator(chunk_size=10)
        for identifier, _ in _members(seal)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _NOT_AFTER_HEAD, {"epoch": head.last_epoch, "xid": head.last_xid, "id": head.last_id}
        )
        for (identifier,) in cursor:
            if identifier not in sealed:
                yield SealFault(head.number, identifier, "the transaction was put in later")
