"""Reading books, assets and ledger accounts."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from core.pagination import Page, PageRequest, page_by_id
from core.principals import HOUSE_USER_ID, Principal
from transactions import errors
from transactions.models import Asset, Ledger, LedgerAccount

# How many accounts of one code the admin looks into.
SAME_CODE_MAX: Final = 20
# Ids of house accounts never change: naming one costs a query once per process.
_ledgers: dict[str, uuid.UUID] = {}
_house_accounts: dict[tuple[uuid.UUID, str, str], uuid.UUID] = {}


def get_ledger(code: str) -> Ledger:
    """Return the ledger, or raise :class:`errors.LedgerNotFound`."""
    ledger = Ledger.objects.filter(code=code).first()
    if ledger is None:
        raise errors.LedgerNotFound(f"There is no ledger {code}.")
    return ledger


def ledger_id(code: str) -> uuid.UUID:
    """Return the id of the ledger ``code``, remembered: neither ever changes.

    Raises:
        LedgerNotFound: there is none.
    """
    if code not in _ledgers:
        found = get_ledger(code).pk
        if connection.in_atomic_block:
            return found
        _ledgers[code] = found
    return _ledgers[code]


def get_asset(code: str) -> Asset:
    """Return the asset, or raise :class:`errors.AssetNotFound`."""
    asset = Asset.objects.filter(code=code).first()
    if asset is None:
        raise errors.AssetNotFound(f"There is no asset {code}.")
    return asset


def ids_with_code(code: str) -> list[uuid.UUID]:
    """Return the newest accounts with this code, whoever owns them: some, where many have it."""
    rows = LedgerAccount.objects.filter(code=code).order_by("-pk")
    return list(rows.values_list("pk", flat=True)[:SAME_CODE_MAX])


def assets() -> QuerySet[Asset]:
    """Return every asset by code."""
    return Asset.objects.order_by("code")


def ledgers() -> QuerySet[Ledger]:
    """Return every ledger by code."""
    return Ledger.objects.order_by("code")


def get_ledger_account(*, account_id: uuid.UUID, actor: Principal) -> LedgerAccount:
    """Return an account with its balance.

    Raises:
        LedgerAccountNotFound: none, or not for ``actor`` to see.
    """
    account = (
        LedgerAccount.objects.visible_to(actor)
        .select_related("balance", "ledger")
        .filter(pk=account_id)
        .first()
    )
    if account is None:
        raise errors.LedgerAccountNotFound("There is no such ledger account.")
    return account


def ledger_accounts(
    *, actor: Principal, asked: PageRequest, filters: dict[str, Any]
) -> Page[LedgerAccount]:
    """Return a page of accounts, newest first, by ``owner``, ``code``, ``asset``, ``ledger``."""
    rows = LedgerAccount.objects.visible_to(actor).select_related("balance", "ledger")
    lookups = {"owner": "user_id", "code": "code", "asset": "asset_id", "ledger": "ledger__code"}
    rows = rows.filter(**{lookups[name]: value for name, value in filters.items()})
    return page_by_id(rows, asked)


def house_account_id(ledger_id: uuid.UUID, code: str, asset_code: str) -> uuid.UUID | None:
    """Return the id of the house's account with this code and asset."""
    key = (ledger_id, code, asset_code)
    if key not in _house_accounts:
        found = LedgerAccount.objects.filter(
            user_id=HOUSE_USER_ID, ledger_id=ledger_id, code=code, asset_id=asset_code
        ).values_list("pk", flat=True)
        for account_id in found:
            # A row of a transaction that may yet be rolled back must not be remembered.
            if connection.in_atomic_block:
                return account_id
            _house_accounts[key] = account_id
    return _house_accounts.get(key)


def named_account_ids(
    ledger_id: uuid.UUID, names: Collection[tuple[str, str]], *, owner_id: uuid.UUID
) -> dict[tuple[str, str], uuid.UUID]:
    """Return the accounts that codes with assets name: the house's first, then the owner's."""
    found = {
        name: _house_accounts[ledger_id, *name]
        for name in names
        if (ledger_id, *name) in _house_accounts
    }
    missing = set(names) - set(found)
    if not missing:
        return found
    rows = LedgerAccount.objects.filter(
        ledger_id=ledger_id,
        user_id__in={HOUSE_USER_ID, owner_id},
        code__in={code for code, _ in missing},
        asset_id__in={asset for _, asset in missing},
    ).values_list("code", "asset_id", "user_id", "pk")
    for code, asset, user_id, account_id in rows:
        if user_id == HOUSE_USER_ID or (code, asset) not in found:
            found[code, asset] = account_id
        # A row of a transaction that may yet be rolled back must not be remembered.
        if user_id == HOUSE_USER_ID and not connection.in_atomic_block:
            _house_accounts[ledger_id, code, asset] = account_id
    return {name: account for name, account in found.items() if name in names}


def account_ids(
    ledger_id: uuid.UUID, *, owner_ids: Sequence[uuid.UUID]
) -> dict[tuple[uuid.UUID, str], uuid.UUID]:
    """Return the accounts of some owners by owner and code."""
    rows = LedgerAccount.objects.filter(ledger_id=ledger_id, user_id__in=owner_ids)
    return {(row.user_id, row.code): row.pk for row in rows.only("user_id", "code")}


# So that no single statement takes long.
_CODES_AT_ONCE: Final = 1_000


def final_balances(ledger_id: uuid.UUID, codes: Sequence[str]) -> dict[str, int]:
    """Return the balance of each account by code, for accounts of people."""
    of_people = LedgerAccount.objects.filter(ledger_id=ledger_id).exclude(user_id=HOUSE_USER_ID)
    found: dict[str, int] = {}
    for begin in range(0, len(codes), _CODES_AT_ONCE):
        rows = of_people.filter(code__in=codes[begin : begin + _CODES_AT_ONCE])
        found.update(rows.values_list("code", "balance__posted"))
    return found
