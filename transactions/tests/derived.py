"""Rows that jobs derive from history, made by hand where no job can run."""

from __future__ import annotations

import datetime as dt
import uuid

from core import clock, ids
from core.models import MonthArchive
from core.principals import SYSTEM
from transactions import services
from transactions.models import LedgerAccount, Reconciliation, Seal


def derive(account: uuid.UUID) -> None:
    """Make one row of every derived table; inside a test's transaction nothing is final."""
    services.refresh_snapshots()
    MonthArchive.objects.create(
        month=dt.date(2001, 1, 1),
        first_id=uuid.UUID(int=1),
        end_id=uuid.UUID(int=2),
        folder="/nowhere",
        manifest={},
        archived_at=clock.now(),
    )
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
    reconciled(account)


def reconciled(account: uuid.UUID) -> Reconciliation:
    """Return a reconciliation with one unexpected line."""
    return services.reconcile(
        account=LedgerAccount.objects.get(pk=account),
        text="date,amount_minor\n2026-01-01,5\n",
        first_day=dt.date(2026, 1, 1),
        last_day=dt.date(2026, 1, 31),
        actor=SYSTEM,
    )
