"""Money for tests: a ledger, accounts with balances, and what has moved."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid

from django.db import connection

from core import clock
from core.principals import SYSTEM, Principal
from transactions import selectors, services, verification
from transactions.models import Hold, LedgerAccount
from transactions.services import Capture, Draft, PostedTransaction, Posting

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


def hold_on(
    source: uuid.UUID, destination: uuid.UUID, amount: int, actor: Principal = SYSTEM, **terms
) -> Hold:
    """Set money aside in the main ledger."""
    return services.place_hold(
        ledger_id=selectors.get_ledger("main").pk,
        posting=Posting(source, destination, amount, terms.pop("asset", "USD")),
        actor=actor,
        **terms,
    )


def capture(
    hold: Hold, amount: int | None = None, actor: Principal = SYSTEM, **how
) -> PostedTransaction:
    """Capture a hold, or a part of it."""
    return services.capture_hold(
        hold=hold, capture=Capture(amount_minor=amount, **how), actor=actor
    )


def reverse(
    transaction_id: uuid.UUID, amount: int | None = None, actor: Principal = SYSTEM
) -> PostedTransaction:
    """Give a transaction of one posting back, or a part of it."""
    amounts = None if amount is None else {0: amount}
    posted, _ = services.reverse_transaction(
        transaction_id=transaction_id,
        reversal=services.Reversal(reason="goods came back", amounts_minor=amounts),
        actor=actor,
    )
    return posted


def plan(source: uuid.UUID, destination: uuid.UUID) -> None:
    """Leave a note, a scheduled transaction and an exchange behind."""
    ledger = selectors.get_ledger("main")
    draft = move(source, destination, 1)
    services.schedule_transaction(
        draft=draft,
        ledger_id=ledger.pk,
        run_at=clock.now() + dt.timedelta(days=1),
        actor=SYSTEM,
    )
    services.add_note(transaction_id=post(draft).id, text="A remark.", actor=SYSTEM)
    world = services.ensure_house_account(
        ledger=ledger, code="world", asset=selectors.get_asset("EUR")
    )
    terms = services.Terms(
        source=source,
        source_asset="USD",
        destination=world,
        destination_asset="EUR",
        amount_minor=1,
        rate=1,
        rate_scale=0,
    )
    services.exchange(terms=terms, ledger_code="main", actor=SYSTEM)


def held(account: uuid.UUID) -> tuple[int, int]:
    """Return what holds reserve on an account, going out and coming in."""
    balance = LedgerAccount.objects.select_related("balance").get(pk=account).balance
    return balance.held_out, balance.held_in


def is_clean() -> bool:
    """Return whether every invariant holds over all that is stored."""
    return not any(finding.faults for finding in verification.verify())


def footprint() -> tuple[int, ...]:
    """Return counts and sums that change when anything at all moves."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT (SELECT count(*) FROM "transaction"), (SELECT count(*) FROM entry), '
            "(SELECT count(*) FROM outbox_event), (SELECT count(*) FROM transaction_reference), "
            "(SELECT count(*) FROM idempotency_key WHERE object_id IS NOT NULL), "
            "(SELECT coalesce(sum(entry_seq), 0)::bigint FROM balance), "
            "(SELECT count(*) FROM audit_event WHERE action = 'transaction.post'), "
            "(SELECT coalesce(sum(held_out) + sum(held_in), 0)::bigint FROM balance), "
            "(SELECT coalesce(sum(reversed), 0)::bigint FROM reversed_posting), "
            "(SELECT count(*) FROM hold), (SELECT coalesce(sum(captured), 0)::bigint FROM hold)"
        )
        return cursor.fetchone()
