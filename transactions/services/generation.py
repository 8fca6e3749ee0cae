"""Filling an installation with made-up history: for demonstrations, tests of plans, benchmarks."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from random import Random
from typing import Final

from django.db import connection, connections

from accounts import services as people
from core import audit, db, ids, partitions
from core.principals import HOUSE_USER_ID, SYSTEM
from transactions import constants, generating
from transactions.generating import ASSET, Cast, History, Purse, Span
from transactions.models import Balance, Ledger, LedgerAccount
from transactions.services.accounts import create_ledger
from transactions.services.snapshots import refresh_snapshots

BLOCK: Final = 25_000
EMAIL_DOMAIN: Final = "generated.example"
PURSE: Final = "purse"
_BALANCES: Final = """
    UPDATE balance b SET posted = x.posted, entry_seq = x.entry_seq, held_out = x.held_out,
        held_in = x.held_in
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS x (account_id, posted, entry_seq, held_out, held_in)
    WHERE b.account_id = x.account_id
        AND (b.entry_seq, b.held_out, b.held_in) <> (x.entry_seq, x.held_out, x.held_in)
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How much history, where, and the seed that decides everything in it."""

    users: int
    span: Span
    seed: int
    ledger_code: str


def generate_history(
    *,
    wanted: Wanted,
    progress: Callable[[int], object] = lambda _count: None,
) -> Ledger:
    """Make people and a ledger of their own, and write made-up history there past the API.

    The same ``wanted`` makes the same rows, ids included. Every rule holds after each block of
    transactions, which commits with its balances; the daily balances follow at the end.

    Raises:
        LedgerCodeTaken: there is such a ledger.
    """
    span = wanted.span
    random = Random(f"{wanted.seed}:{wanted.ledger_code}")  # noqa: S311 - made up on purpose
    partitions.ensure_months(first=span.starts_at().date())
    ledger, cast = db.run_in_transaction(lambda: _cast(wanted, random))
    for rows in History(cast=cast, span=span, random=random).blocks(BLOCK):
        db.run_in_transaction(lambda: _write(rows, cast))  # noqa: B023 - runs at once
        progress(len(rows["transaction"]))
    _analyze()
    refresh_snapshots()
    return ledger


def _cast(wanted: Wanted, random: Random) -> tuple[Ledger, Cast]:
    start_us = wanted.span.moment_us(0)
    ledger = create_ledger(code=wanted.ledger_code, name="Made-up history", actor=SYSTEM)
    names = [f"{wanted.ledger_code}-{number:07}" for number in range(wanted.users)]
    made = people.import_people(
        names=names,
        domain=EMAIL_DOMAIN,
        identifiers=[generating.made_up_id(start_us, random) for _ in names],
    )

    def purses(owner: uuid.UUID, *codes: str) -> list[tuple[uuid.UUID, uuid.UUID, str]]:
        return [(generating.made_up_id(start_us, random), owner, code) for code in codes]

    shops = purses(HOUSE_USER_ID, *(f"shop:{n}" for n in range(generating.SHOPS)))
    house = purses(HOUSE_USER_ID, "cash", "fees")
    own = [purse for name in names for purse in purses(made[name], PURSE)]
    _open(ledger, own, constants.LIABILITY, floor=0)
    _open(ledger, shops, constants.LIABILITY, floor=None)
    _open(ledger, house, constants.HOUSE_TYPES["cash"], floor=None)
    audit.record(
        action="ledger.generate",
        actor=SYSTEM,
        user_id=HOUSE_USER_ID,
        target_type="ledger",
        target_id=ledger.pk,
        users=wanted.users,
        transactions=wanted.span.transactions,
        seed=wanted.seed,
    )
    played = [[Purse(pk.bytes, owner.bytes) for pk, owner, _ in group] for group in (own, shops)]
    cash, fees = (Purse(pk.bytes, owner.bytes) for pk, owner, _ in house)
    return ledger, Cast(
        ledger=ledger.pk.bytes,
        house=HOUSE_USER_ID.bytes,
        people=played[0],
        shops=played[1],
        cash=cash,
        fees=fees,
    )


def _open(
    ledger: Ledger,
    wanted: list[tuple[uuid.UUID, uuid.UUID, str]],
    kind: str,
    *,
    floor: int | None,
) -> None:
    LedgerAccount.objects.bulk_create(
        [
            LedgerAccount(
                id=identifier,
                user_id=owner,
                ledger=ledger,
                code=code,
                asset_id=ASSET,
                type=kind,
                created_at=ids.made_at(identifier),
            )
            for identifier, owner, code in wanted
        ],
        batch_size=1_000,
    )
    Balance.objects.bulk_create(
        [
            Balance(
                account_id=identifier,
                user_id=owner,
                ledger_id=ledger.pk,
                asset_code=ASSET,
                floor=floor,
            )
            for identifier, owner, _ in wanted
        ],
        batch_size=1_000,
    )


def _write(rows: dict[str, list[bytes]], cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        for table, columns in generating.COLUMNS.items():
            statement = f'COPY "{table}" ({columns}) FROM STDIN (FORMAT binary)'
            with cursor.cursor.copy(statement) as copy:
                copy.write(generating.binary_copy(rows[table]))
        purses = list(cast.everybody())
        cursor.execute(
            _BALANCES,
            [
                [uuid.UUID(bytes=purse.account) for purse in purses],
                [purse.posted for purse in purses],
                [purse.entry_seq for purse in purses],
                [purse.held_out for purse in purses],
                [purse.held_in for purse in purses],
            ],
        )


def _analyze() -> None:
    """Let PostgreSQL know at once what its own clean-up would find out in a while."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for table in (*generating.COLUMNS, "balance", "ledger_account"):
            cursor.execute(f'ANALYZE "{table}"')
        cursor.execute("RESET statement_timeout")
