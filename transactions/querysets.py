"""The vocabulary for reading money."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models

from core.principals import Principal

if TYPE_CHECKING:
    from transactions.models import Entry, LedgerAccount


class LedgerAccountQuerySet(models.QuerySet["LedgerAccount"]):
    """Each method is one phrase; none orders unless it says so."""

    def visible_to(self, actor: Principal) -> LedgerAccountQuerySet:
        """Return one's own accounts, or with the permission everybody's."""
        if actor.may("transactions.view_ledgeraccount"):
            return self.all()
        return self.filter(user_id=actor.user_id)


class EntryQuerySet(models.QuerySet["Entry"]):
    """Each method is one phrase; none orders unless it says so."""

    def of_account(self, account_id: uuid.UUID) -> EntryQuerySet:
        """Return one account's entries."""
        return self.filter(account_id=account_id)
