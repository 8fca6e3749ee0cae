"""What happens to money when something happens to its owner; in the same commit."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db.models import F

from core import audit, outbox
from core.principals import SYSTEM
from transactions import constants, selectors
from transactions.models import Balance, LedgerAccount
from transactions.services.accounts import open_ledger_account


def open_default_account(*, user_id: uuid.UUID) -> None:
    """Open the ledger account everybody begins with; ``DEFAULT_ASSET`` says of which asset.

    Raises:
        AssetNotFound: the setting names none; so nobody registers without an account unnoticed.
    """
    asset_code: str = settings.ENV.default_asset
    if asset_code:
        open_ledger_account(
            ledger=selectors.get_ledger(constants.DEFAULT_LEDGER),
            code=constants.DEFAULT_ACCOUNT,
            asset=selectors.get_asset(asset_code),
            actor=SYSTEM,
            owner_id=user_id,
        )


def follow_access(*, user_id: uuid.UUID, is_active: bool) -> None:
    """Freeze the accounts of somebody who is locked out; let those go again that this froze."""
    # The balances first, in the order in which every posting locks them.
    balances = Balance.objects.filter(user_id=user_id).order_by("account_id").select_for_update()
    locked = [balance.pk for balance in balances]
    accounts = LedgerAccount.objects.filter(pk__in=locked, user_id=user_id)
    chosen = (
        accounts.exclude(status_before_lock="")
        if is_active
        else accounts.filter(status__in=(constants.OPEN, constants.FROZEN_DEBIT))
    )
    for account in chosen:
        _set(account, account.status_before_lock if is_active else constants.FROZEN)


def _set(account: LedgerAccount, status: str) -> None:
    before = account.status if status == constants.FROZEN else ""
    LedgerAccount.objects.filter(pk=account.pk, user_id=account.user_id).update(
        status=status, status_before_lock=before, version=F("version") + 1
    )
    may_debit, may_credit = constants.STATUS_RIGHTS[status]
    Balance.objects.filter(pk=account.pk, user_id=account.user_id).update(
        may_debit=may_debit, may_credit=may_credit
    )
    audit.record(
        action="ledger_account.change",
        actor=SYSTEM,
        user_id=account.user_id,
        target_type="ledger_account",
        target_id=account.pk,
        before={"status": account.status},
        after={"status": status},
        reason="the owner was locked out" if before else "the owner was let in again",
    )
    outbox.announce(topic="ledger_account.changed", user_id=account.user_id, object_id=account.pk)
