"""Sealing what was posted, some time later and out of its way."""

from __future__ import annotations

import uuid
from typing import Final

import structlog
from django.db import connection

from core import clock, commit_order, db
from core.commit_order import Position
from transactions import canonical, selectors
from transactions.models import Seal

TRANSACTIONS_IN_SEAL_MAX: Final = 1_000
NOTHING_BEFORE: Final = bytes(canonical.DIGEST_BYTES)
ADVISORY_LOCK: Final = 7_301_003

log = structlog.get_logger(__name__)


def seal_history() -> int:
    """Seal every final transaction that is not sealed yet; return how many there were.

    Each seal is a transaction of its own; two sealers wait for each other. The hash of each new
    seal is logged, so that a copy of the chain's head is kept where the database cannot reach.
    """
    sealed = 0
    while True:
        seal = db.run_in_transaction(_seal_next)
        if seal is None:
            return sealed
        sealed += seal.transactions
        log.info(
            "sealed",
            seal=seal.number,
            transactions=seal.transactions,
            hash=seal.hash.hex(),
        )


def _seal_next() -> Seal | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    head = selectors.last_seal()
    after = Position(head.last_epoch, head.last_xid, head.last_id) if head else commit_order.START
    positions = commit_order.final_after("transaction", after, limit=TRANSACTIONS_IN_SEAL_MAX)
    if not positions:
        return None
    number = head.number + 1 if head else 1
    previous_hash = bytes(head.hash) if head else NOTHING_BEFORE
    members = _members([position.id for position in positions])
    return Seal.objects.create(
        number=number,
        transactions=len(positions),
        last_epoch=positions[-1].epoch,
        last_xid=positions[-1].xid,
        last_id=positions[-1].id,
        previous_hash=previous_hash,
        members=members,
        hash=canonical.seal_hash(number=number, previous_hash=previous_hash, members=members),
        sealed_at=clock.now(),
    )


def _members(transaction_ids: list[uuid.UUID]) -> bytes:
    digests = selectors.transaction_digests(transaction_ids)
    return b"".join(identifier.bytes + digests[identifier] for identifier in transaction_ids)
