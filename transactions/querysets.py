"""The vocabulary for reading money."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import models

from core import ids
from core.principals import Principal

if TYPE_CHECKING:
    from transactions.models import Entry, LedgerAccount, Transaction

# An id is made moments before its row is recorded: within the longest request, with margin.
_ID_LEAD = dt.timedelta(hours=1)


class LedgerAccountQuerySet(models.QuerySet["LedgerAccount"]):
    """Each method is one phrase; none orders unless it says so."""

    def visible_to(self, actor: Principal) -> LedgerAccountQuerySet:
        """Return one's own accounts, or with the permission everybody's."""
        if actor.may("transactions.view_ledgeraccount"):
            return self.all()
        return self.filter(user_id=actor.user_id)


class TransactionQuerySet(models.QuerySet["Transaction"]):
    """Each method is one phrase; none orders unless it says so."""

    def recorded_between(
        self, since: dt.datetime | None, until: dt.datetime | None
    ) -> TransactionQuerySet:
        """Return those recorded in [since, until); other months' partitions are not touched."""
        rows = self
        if since is not None:
            rows = rows.filter(recorded_at__gte=since, id__gte=ids.first_uuid7_at(since - _ID_LEAD))
        if until is not None:
            rows = rows.filter(recorded_at__lt=until, id__lt=ids.first_uuid7_at(until + _ID_LEAD))
        return rows


class EntryQuerySet(models.QuerySet["Entry"]):
    """Each method is one phrase; none orders unless it says so."""

    def of_account(self, account_id: uuid.UUID) -> EntryQuerySet:
        """Return one account's entries."""
        return self.filter(account_id=account_id)
