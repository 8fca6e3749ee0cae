"""Rows that jobs derive from history, made by hand where no job can run."""

from __future__ import annotations

import uuid

from core import clock, ids
from transactions import services
from transactions.models import Seal


def derive(account: uuid.UUID) -> None:
    """Make one row of every derived table; inside a test's transaction nothing is final."""
    services.refresh_snapshots()
    Seal.objects.create(
        number=Seal.objects.count() + 1,
        transactions=1,
        last_epoch=1,
        last_xid=1,
        last_id=ids.uuid7(),
        previous_hash=bytes(32),
        hash=bytes(32),
        members=bytes(48),
        sealed_at=clock.now(),
    )
