"""The vocabulary for reading money."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models

from core.principals import Principal
from transactions import constants

if TYPE_CHECKING:
    from transactions.models import Entry, Hold, LedgerAccount


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


class HoldQuerySet(models.QuerySet["Hold"]):
    """Each method is one phrase; none orders unless it says so."""

    def visible_to(self, actor: Principal) -> HoldQuerySet:
        """Return those on or for one's own accounts, or with the permission all."""
        if actor.may("transactions.view_hold"):
            return self.all()
        return self.filter(
            models.Q(user_id=actor.user_id) | models.Q(destination_user_id=actor.user_id)
        )

    def pending(self) -> HoldQuerySet:
        """Return those that are neither captured nor released nor marked as expired."""
        return self.filter(status=constants.HOLD_PENDING)
