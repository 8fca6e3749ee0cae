"""Reading transactions and entries."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.json import KeyTextTransform

from core.models import AuditEvent, MonthArchive
from core.pagination import Page, PageRequest
from core.principals import Principal
from transactions import errors
from transactions.models import (
    Entry,
    Ledger,
    LedgerAccount,
    Transaction,
    TransactionReference,
)

# How many transactions the admin looks for at most.
IDS_MAX: Final = 1_000


def has_transactions() -> bool:
    """Return whether anything was ever posted, in any ledger."""
    return Transaction.objects.exists()


def known_references(ledger_id: uuid.UUID, references: Sequence[str]) -> set[str]:
    """Return which of ``references`` are taken in the ledger."""
    return set(_transactions_of(ledger_id, references).values())


def balances_after(
    ledger_id: uuid.UUID, references: Sequence[str]
) -> dict[tuple[str, uuid.UUID], int]:
    """Return the balance each transaction left on each of its accounts, by its reference."""
    by_id = _transactions_of(ledger_id, references)
    with connection.cursor() as cursor:
        # Not a join: without fresh statistics the planner pairs each reference with every entry.
        cursor.execute(
            "SELECT transaction_id, account_id, balance_after FROM entry "
            "WHERE transaction_id = ANY(%s) ORDER BY leg",
            [list(by_id)],
        )
        return {(by_id[of], account_id): balance for of, account_id, balance in cursor.fetchall()}


def _transactions_of(ledger_id: uuid.UUID, references: Sequence[str]) -> dict[uuid.UUID, str]:
    """Return the transactions that took ``references``; one array, not a thousand parameters."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT transaction_id, reference FROM transaction_reference "
            "WHERE ledger_id = %s AND reference = ANY(%s)",
            [ledger_id, list(references)],
        )
        return dict(cursor.fetchall())


def entries(*, account: LedgerAccount, asked: PageRequest) -> Page[Entry]:
    """Return a page of an account's entries, newest first."""
    rows = Entry.objects.of_account(account.pk)
    if asked.position is not None:
        recorded_at, seq = dt.datetime.fromisoformat(asked.position[0]), asked.position[1]
        # recorded_at never decreases along account_seq: the index is entered at the right place.
        rows = (
            rows.filter(recorded_at__gte=recorded_at, account_seq__gt=seq)
            if asked.backwards
            else rows.filter(recorded_at__lte=recorded_at, account_seq__lt=seq)
        )
    order = ("recorded_at", "account_seq")
    ordered = rows.order_by(*(order if asked.backwards else [f"-{name}" for name in order]))
    return Page(
        list(ordered[: asked.limit + 1]),
        asked,
        key=lambda row: [row.recorded_at.isoformat(), row.account_seq],
    )


def transaction_with_entries(transaction_id: uuid.UUID) -> tuple[Transaction, Sequence[Entry]]:
    """Return a transaction and its entries by leg, whoever asks: for services only.

    Raises:
        TransactionNotFound: none.
        TransactionArchived: if there is one, it is in the archive.
    """
    transaction = Transaction.objects.select_related("ledger").filter(pk=transaction_id).first()
    if transaction is None:
        _require_no_archive(transaction_id)
        raise errors.TransactionNotFound("There is no such transaction.")
    return transaction, list(Entry.objects.filter(transaction_id=transaction_id).order_by("leg"))


def get_transaction(
    *, transaction_id: uuid.UUID, actor: Principal
) -> tuple[Transaction, Sequence[Entry]]:
    """Return a transaction that touches an account the actor may see.

    Raises:
        TransactionNotFound: none, or not for ``actor`` to see.
        TransactionArchived: see :func:`transaction_with_entries`.
    """
    transaction, legs = transaction_with_entries(transaction_id)
    if not actor.may("transactions.view_transaction") and not any(
        entry.user_id == actor.user_id for entry in legs
    ):
        raise errors.TransactionNotFound("There is no such transaction.")
    return transaction, legs


def _require_no_archive(transaction_id: uuid.UUID) -> None:
    month = (
        MonthArchive.objects.filter(
            first_id__lte=transaction_id, end_id__gt=transaction_id, restored_at=None
        )
        .values_list("month", flat=True)
        .first()
    )
    if month is not None:
        raise errors.TransactionArchived(
            "Transactions of that month are in the archive.", month=f"{month:%Y-%m}"
        )


def transactions(
    *,
    actor: Principal,
    asked: PageRequest,
    account: LedgerAccount | None,
    reference: str | None,
    metadata: tuple[str, str] | None = None,
) -> Page[Transaction]:
    """Return a page of transactions, newest first: of one account, of one's accounts, or of all.

    ``metadata`` is a key with an index (``METADATA_INDEXED_KEYS``) and its value.
    """
    if reference is not None:
        rows = _with_reference(reference, actor)
    elif metadata is not None:
        rows = _with_metadata(*metadata, account=account, actor=actor, asked=asked)
    elif account is not None:
        rows = _touching([account.pk], asked)
    elif actor.may("transactions.view_transaction"):
        rows = _newest(asked)
    else:
        mine = LedgerAccount.objects.filter(user_id=actor.user_id).values_list("pk", flat=True)
        rows = _touching(list(mine), asked)
    return Page(rows, asked, key=lambda row: [row.recorded_at.isoformat(), str(row.pk)])


def ids_with_reference(reference: str) -> list[uuid.UUID]:
    """Return the transactions with this reference, at most one in each ledger."""
    rows = TransactionReference.objects.filter(
        ledger_id__in=Ledger.objects.values("pk"), reference=reference
    )
    return list(rows.values_list("transaction_id", flat=True))


def ids_of_request(request_id: str) -> list[uuid.UUID]:
    """Return the transactions that one request made, by the trail it left.

    A batch leaves one audit event; its transactions' ids lie between the first one's and the
    event's own, because all were made together.
    """
    found: list[uuid.UUID] = []
    trail = AuditEvent.objects.filter(request_id=request_id, action="transaction.post")
    for event in trail.order_by("id")[:IDS_MAX]:
        batch = Transaction.objects.filter(
            id__gte=event.target_id, id__lt=event.pk, request_id=request_id
        )
        found.extend(batch.values_list("pk", flat=True)[:IDS_MAX])
    return found[:IDS_MAX]


def newest_ids_of_accounts(account_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the newest transactions that touch any of the accounts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.transaction_id FROM unnest(%s::uuid[]) a, "
            "LATERAL (SELECT recorded_at, transaction_id FROM entry WHERE account_id = a "
            "ORDER BY recorded_at DESC, account_seq DESC LIMIT %s) e "
            "GROUP BY e.transaction_id ORDER BY max(e.recorded_at) DESC LIMIT %s",
            [list(account_ids), IDS_MAX // max(1, len(account_ids)), IDS_MAX],
        )
        return [row[0] for row in cursor.fetchall()]


def _with_reference(reference: str, actor: Principal) -> list[Transaction]:
    visible = []
    for transaction_id in ids_with_reference(reference):
        try:
            visible.append(get_transaction(transaction_id=transaction_id, actor=actor)[0])
        except errors.TransactionNotFound:
            continue
    return visible


def _with_metadata(
    key: str, value: str, *, account: LedgerAccount | None, actor: Principal, asked: PageRequest
) -> list[Transaction]:
    rows = Transaction.objects.annotate(found=KeyTextTransform(key, "metadata")).filter(found=value)
    touching = Entry.objects.filter(transaction_id=OuterRef("pk"))
    if account is not None:
        rows = rows.filter(Exists(touching.filter(account_id=account.pk)))
    elif not actor.may("transactions.view_transaction"):
        rows = rows.filter(Exists(touching.filter(user_id=actor.user_id)))
    return _by_id(rows, asked)


def _newest(asked: PageRequest) -> list[Transaction]:
    return _by_id(Transaction.objects.all(), asked)


def _by_id(found: QuerySet[Transaction], asked: PageRequest) -> list[Transaction]:
    rows = found.select_related("ledger")
    if asked.position is not None:
        last_id = asked.position[1]
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    return list(rows.order_by("id" if asked.backwards else "-id")[: asked.limit + 1])


def _touching(account_ids: list[uuid.UUID], asked: PageRequest) -> list[Transaction]:
    """Return transactions with an entry on one of the accounts, merged from their indexes."""
    ahead, order = (">", "ASC") if asked.backwards else ("<", "DESC")
    recorded_at, last_id = asked.position or [None, None]
    bound = (
        f"AND recorded_at {ahead}= %(at)s "
        f"AND (recorded_at, transaction_id) {ahead} (%(at)s, %(id)s)"
        if asked.position
        else ""
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT e.recorded_at, e.transaction_id FROM unnest(%(accounts)s::uuid[]) a, "  # noqa: S608 - fixed fragments, bound values
            "LATERAL (SELECT recorded_at, transaction_id FROM entry WHERE account_id = a "
            f"{bound} GROUP BY recorded_at, transaction_id "
            f"ORDER BY recorded_at {order}, transaction_id {order} LIMIT %(limit)s) e "
            f"ORDER BY 1 {order}, 2 {order} LIMIT %(limit)s",
            {
                "accounts": account_ids,
                "at": dt.datetime.fromisoformat(recorded_at) if recorded_at else None,
                "id": last_id,
                "limit": asked.limit + 1,
            },
        )
        found = [row[1] for row in cursor.fetchall()]
    by_id = Transaction.objects.select_related("ledger").in_bulk(found)
    return [by_id[transaction_id] for transaction_id in found]
