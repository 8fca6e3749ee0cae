"""Money for tests: a ledger, accounts with balances, and what has moved."""

from __future__ import annotations

import itertools
import uuid

from django.db import connection

from core.principals import SYSTEM, Principal
from transactions import selectors, services
from transactions.models import LedgerAccount
from transactions.services import Draft, Posting

_numbers = itertools.count(1)


def open_account(owner: Principal, *, balance: int = 0, asset: str = "USD", **limits) -> uuid.UUID:
    """Open an account of ``owner`` and fund it from the world."""
    ledger = selectors.get_ledger("main")
    account = services.open_ledger_account(
        ledger=ledger,
        code=f"test-{next(_numbers)}",
        asset=selectors.get_asset(asset),
        actor=SYSTEM,
        owner_id=owner.user_id,
        **limits,
    )
    if balance:
        world = services.ensure_house_account(
            ledger=ledger, code="world", asset=selectors.get_asset(asset)
        )
        services.post_transaction(
            draft=move(world, account.pk, balance, asset=asset),
            ledger_id=ledger.pk,
            actor=SYSTEM,
        )
    return account.pk


def move(source: uuid.UUID, destination: uuid.UUID, amount: int, *, asset="USD", **facts) -> Draft:
    """Return a draft with one posting."""
    return Draft(postings=[Posting(source, destination, amount, asset)], **facts)


def post(draft: Draft, actor: Principal = SYSTEM, **facts):
    """Post ``draft`` in the main ledger."""
    return services.post_transaction(
        draft=draft, ledger_id=selectors.get_ledger("main").pk, actor=actor, **facts
    )


def balance_of(account: uuid.UUID) -> int:
    """Return what is there now."""
    return LedgerAccount.objects.select_related("balance").get(pk=account).balance.posted


def footprint() -> tuple[int, ...]:
    """Return counts and sums that change when anything at all moves."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT (SELECT count(*) FROM "transaction"), (SELECT count(*) FROM entry), '
            "(SELECT count(*) FROM outbox_event), (SELECT count(*) FROM transaction_reference), "
            "(SELECT count(*) FROM idempotency_key WHERE object_id IS NOT NULL), "
            "(SELECT coalesce(sum(entry_seq), 0)::bigint FROM balance), "
            "(SELECT count(*) FROM audit_event WHERE action = 'transaction.post')"
        )
        return cursor.fetchone()
