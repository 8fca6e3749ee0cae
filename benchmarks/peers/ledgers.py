"""Opening accounts and posting in somebody else's ledger, named as ``PEER`` is.

Runs in the virtual environment of the peers, inside a Django that was set up.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

ACCOUNTS = 200


def open_accounts(peer: str, owner: Any) -> None:
    """Make accounts that are known by the numbers from 1."""
    if peer == "django-hordak":
        hordak = import_module("hordak.models")
        for number in range(ACCOUNTS):
            hordak.Account.objects.create(
                name=f"account {number}", code=str(number), type="LI", currencies=["USD"]
            )
    elif peer == "django-ledger":
        models = import_module("django_ledger.models")
        entity = models.EntityModel.create_entity(
            name="bench", use_accrual_method=True, admin=owner, fy_start_month=1
        )
        entity.create_chart_of_accounts(assign_as_default=True, commit=True)
        for number in range(1, ACCOUNTS + 1):
            entity.create_account(
                code=f"1{number:04}",
                role=import_module("django_ledger.io.roles").ASSET_CA_CASH,
                name=f"account {number}",
                balance_type="debit",
                active=True,
            )
        entity.create_ledger(name="bench", posted=True)
        # Makes the year's counter: several who find none at once would never end.
        _posted_by_django_ledger(source=1, destination=2, amount=1)
    else:
        balance = import_module("benchmarks.peers.statements.models").Balance
        balance.objects.bulk_create(balance() for _ in range(ACCOUNTS))


def post(peer: str, asked: dict[str, int], *, key: str, actor: str) -> str:
    """Move money between two accounts; return the id of what was made."""
    if peer == "django-hordak":
        return _posted_by_hordak(**asked)
    if peer == "django-ledger":
        return _posted_by_django_ledger(**asked)
    statements = import_module("benchmarks.peers.statements.models")
    return str(statements.posted(**asked, key=key, actor=actor)["id"])


def _posted_by_hordak(*, source: int, destination: int, amount: int) -> str:
    account = import_module("hordak.models").Account
    money = import_module("moneyed").Money(amount, "USD")
    made = account.objects.get(pk=source).transfer_to(account.objects.get(pk=destination), money)
    return str(made.pk)


def _posted_by_django_ledger(*, source: int, destination: int, amount: int) -> str:
    models = import_module("django_ledger.models")
    ledger = _ledger()
    codes = [f"1{number:04}" for number in (source, destination)]
    accounts = {row.code: row for row in models.AccountModel.objects.filter(code__in=codes)}
    sides = zip(codes, ("credit", "debit"), strict=True)
    entry, _ = ledger.commit_txs(
        je_timestamp=import_module("django.utils.timezone").now(),
        je_txs=[
            {"account": accounts[code], "amount": amount, "tx_type": side, "description": ""}
            for code, side in sides
        ],
        je_posted=True,
    )
    return str(entry.pk)


@functools.cache
def _ledger() -> Any:
    """Return the only ledger, looked up once for each process, to the peer's advantage."""
    return import_module("django_ledger.models").LedgerModel.objects.select_related("entity").get()
