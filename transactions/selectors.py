"""Reading money."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from django.db import connection
from django.db.models import QuerySet

from core.pagination import Page, PageRequest
from core.principals import HOUSE_USER_ID, Principal
from transactions import errors
from transactions.models import (
    Asset,
    Entry,
    Ledger,
    LedgerAccount,
    Transaction,
    TransactionReference,
)

Clock = Literal["recorded", "effective"]
STATEMENT_CHUNK: Final = 1_000
# Ids of house accounts never change: naming one costs a query once per process.
_ledgers: dict[str, uuid.UUID] = {}
_house_accounts: dict[tuple[uuid.UUID, str, str], uuid.UUID] = {}


_RECORDED_BALANCE: Final = """
    SELECT balance_after FROM entry
    WHERE account_id = %(account)s AND recorded_at <= %(at)s
    ORDER BY recorded_at DESC, account_seq DESC LIMIT 1
"""
_EFFECTIVE_BALANCE: Final = """
    SELECT (
        coalesce((
            SELECT balance_after FROM entry
            WHERE account_id = %(account)s AND recorded_at <= %(at)s
            ORDER BY recorded_at DESC, account_seq DESC LIMIT 1
        ), 0)
        + coalesce((
            SELECT sum(amount) FROM entry
            WHERE account_id = %(account)s AND effective_at <= %(at)s AND recorded_at > %(at)s
        ), 0)
        - coalesce((
            SELECT sum(amount) FROM entry
            WHERE account_id = %(account)s AND effective_at > %(at)s AND recorded_at <= %(at)s
        ), 0)
    )::bigint
"""


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
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


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


def own_account_id(
    ledger_id: uuid.UUID, code: str, asset_code: str, owner_id: uuid.UUID
) -> uuid.UUID | None:
    """Return the id of somebody's own account with this code and asset."""
    return (
        LedgerAccount.objects.filter(
            user_id=owner_id, ledger_id=ledger_id, code=code, asset_id=asset_code
        )
        .values_list("pk", flat=True)
        .first()
    )


def known_references(ledger_id: uuid.UUID, references: Sequence[str]) -> set[str]:
    """Return which of ``references`` are taken in the ledger."""
    rows = TransactionReference.objects.filter(ledger_id=ledger_id, reference__in=references)
    return set(rows.values_list("reference", flat=True))


def balances_after(
    ledger_id: uuid.UUID, references: Sequence[str]
) -> dict[tuple[str, uuid.UUID], int]:
    """Return the balance each transaction left on each of its accounts, by its reference."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.reference, e.account_id, e.balance_after FROM transaction_reference r "
            "JOIN entry e ON e.transaction_id = r.transaction_id "
            "WHERE r.ledger_id = %s AND r.reference = ANY(%s) ORDER BY e.leg",
            [ledger_id, list(references)],
        )
        return {(reference, account): balance for reference, account, balance in cursor.fetchall()}


def account_ids(
    ledger_id: uuid.UUID, *, owner_ids: Sequence[uuid.UUID]
) -> dict[tuple[uuid.UUID, str], uuid.UUID]:
    """Return the accounts of some owners by owner and code."""
    rows = LedgerAccount.objects.filter(ledger_id=ledger_id, user_id__in=owner_ids)
    return {(row.user_id, row.code): row.pk for row in rows.only("user_id", "code")}


def final_balances(ledger_id: uuid.UUID, codes: Sequence[str]) -> dict[str, int]:
    """Return the balance of each account by code, for accounts of people."""
    rows = LedgerAccount.objects.filter(ledger_id=ledger_id, code__in=codes).exclude(
        user_id=HOUSE_USER_ID
    )
    return dict(rows.values_list("code", "balance__posted"))


def balance_at(
    account: LedgerAccount, at: dt.datetime, *, by: Clock, inclusive: bool = True
) -> int:
    """Return the balance at ``at`` in minor units; exclusive of it when asked.

    By the recorded clock: what the ledger knew then, one index probe. By the effective clock:
    that, corrected by the few entries whose two clocks fall on different sides of ``at``.
    """
    if not inclusive:
        # Instants are exact to a microsecond here and in PostgreSQL.
        at -= dt.timedelta(microseconds=1)
    statement = _EFFECTIVE_BALANCE if by == "effective" else _RECORDED_BALANCE
    with connection.cursor() as cursor:
        cursor.execute(statement, {"account": account.pk, "at": at})
        row = cursor.fetchone()
    return int(row[0]) if row else 0


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
    """Return a transaction and its entries by leg, whoever asks: for services only."""
    transaction = Transaction.objects.select_related("ledger").get(pk=transaction_id)
    return transaction, list(Entry.objects.filter(transaction_id=transaction_id).order_by("leg"))


def get_transaction(
    *, transaction_id: uuid.UUID, actor: Principal
) -> tuple[Transaction, Sequence[Entry]]:
    """Return a transaction that touches an account the actor may see.

    Raises:
        TransactionNotFound: none, or not for ``actor`` to see.
    """
    refused = errors.TransactionNotFound("There is no such transaction.")
    try:
        transaction, legs = transaction_with_entries(transaction_id)
    except Transaction.DoesNotExist:
        raise refused from None
    if not actor.may("transactions.view_transaction") and not any(
        entry.user_id == actor.user_id for entry in legs
    ):
        raise refused
    return transaction, legs


def transactions(
    *, actor: Principal, asked: PageRequest, account: LedgerAccount | None, reference: str | None
) -> Page[Transaction]:
    """Return a page of transactions, newest first: of one account, of one's accounts, or of all."""
    if reference is not None:
        rows = _with_reference(reference, actor)
    elif account is not None:
        rows = _touching([account.pk], asked)
    elif actor.may("transactions.view_transaction"):
        rows = _newest(asked)
    else:
        mine = LedgerAccount.objects.filter(user_id=actor.user_id).values_list("pk", flat=True)
        rows = _touching(list(mine), asked)
    return Page(rows, asked, key=lambda row: [row.recorded_at.isoformat(), str(row.pk)])


def statement_lines(
    account: LedgerAccount,
    *,
    since: dt.datetime,
    until: dt.datetime,
    by: Clock,
    after: tuple[dt.datetime, int] | None = None,
    limit: int = STATEMENT_CHUNK,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` lines in [since, until) by the given clock, after a position."""
    at = "coalesce(e.effective_at, e.recorded_at)" if by == "effective" else "e.recorded_at"
    in_range = (
        "((e.effective_at >= %(since)s AND e.effective_at < %(until)s) OR "
        "(e.effective_at IS NULL AND e.recorded_at >= %(since)s AND e.recorded_at < %(until)s))"
        if by == "effective"
        else "e.recorded_at >= %(since)s AND e.recorded_at < %(until)s"
    )
    position = f"AND ({at}, e.account_seq) > (%(after_at)s, %(after_seq)s)" if after else ""
    after_at, after_seq = after or (None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {at} AS at, e.account_seq, e.transaction_id, e.amount, t.reference, "  # noqa: S608 - fixed fragments, bound values
            "t.description, e.recorded_at FROM entry e "
            'JOIN "transaction" t ON t.id = e.transaction_id '
            f"WHERE e.account_id = %(account)s AND {in_range} {position} "
            f"ORDER BY {at}, e.account_seq LIMIT %(limit)s",
            {
                "account": account.pk,
                "since": since,
                "until": until,
                "after_at": after_at,
                "after_seq": after_seq,
                "limit": limit,
            },
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def statement_stream(
    account: LedgerAccount, *, since: dt.datetime, until: dt.datetime, by: Clock
) -> Iterator[dict[str, Any]]:
    """Yield every line of a statement with its running balance, a chunk of rows at a time."""
    balance = balance_at(account, since, by=by, inclusive=False)
    after = None
    while True:
        lines = statement_lines(account, since=since, until=until, by=by, after=after)
        for line in lines:
            balance += line["amount"]
            yield {**line, "balance": balance}
        if len(lines) < STATEMENT_CHUNK:
            return
        after = (lines[-1]["at"], lines[-1]["account_seq"])


def ids_with_reference(reference: str) -> list[uuid.UUID]:
    """Return the transactions with this reference, at most one in each ledger."""
    rows = TransactionReference.objects.filter(
        ledger_id__in=Ledger.objects.values("pk"), reference=reference
    )
    return list(rows.values_list("transaction_id", flat=True))


def _with_reference(reference: str, actor: Principal) -> list[Transaction]:
    visible = []
    for transaction_id in ids_with_reference(reference):
        try:
            visible.append(get_transaction(transaction_id=transaction_id, actor=actor)[0])
        except errors.TransactionNotFound:
            continue
    return visible


def _newest(asked: PageRequest) -> list[Transaction]:
    rows = Transaction.objects.select_related("ledger")
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
