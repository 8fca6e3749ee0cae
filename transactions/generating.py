"""Making up history: the same from the same seed, with every rule of the ledger kept.

Pure: what happens is decided here in plain integers and handed over as rows of a binary COPY,
which PostgreSQL reads without parsing a word (documentation of COPY, section "Binary Format").
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import struct
import uuid
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

ASSET: Final = "USD"
_ASSET: Final = ASSET.encode()
SHOPS: Final = 20
FEE_MINOR: Final = 25
DEPOSIT_MINOR_MAX: Final = 500_000
# Of so many transactions one pays a fee, has a reference, takes effect earlier, leaves a hold.
FEE_EVERY: Final = 3
REFERENCE_EVERY: Final = 4
BACKDATED_EVERY: Final = 20
HOLD_EVERY: Final = 50
BACKDATED_BY: Final = dt.timedelta(days=3)
HOLD_LASTS: Final = dt.timedelta(days=7)
REQUEST: Final = "generated"

_POSTGRES_EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_EPOCH_TO_POSTGRES_US: Final = int(
    (_POSTGRES_EPOCH - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / _MICROSECOND
)
_UUID7_BITS: Final = 0x7000_8000_0000_0000_0000
_LENGTH: Final = struct.Struct("!i")
_NULL: Final = _LENGTH.pack(-1)
_ENTRY: Final = struct.Struct("!hi16si16si16siqiqiqiq")
_ENTRY_END: Final = struct.Struct(f"!ihi{len(_ASSET)}s")
_ENTRY_COLUMNS: Final = 10

COLUMNS: Final = {
    "transaction": (
        "id, user_id, ledger_id, actor_id, actor_kind, kind, request_id, recorded_at, "
        "effective_at, reference"
    ),
    "transaction_reference": "ledger_id, reference, transaction_id",
    "entry": (
        "transaction_id, user_id, account_id, amount, account_seq, balance_after, recorded_at, "
        "effective_at, leg, asset_code"
    ),
    "outbox_event": "id, user_id, topic, object_id, recorded_at",
    "hold": (
        "id, user_id, ledger_id, source_id, destination_id, destination_user_id, asset_code, "
        "amount, captured, status, expires_at, created_at, closed_at, actor_id, actor_kind, "
        "request_id"
    ),
}
assert COLUMNS["entry"].count(",") + 1 == _ENTRY_COLUMNS


@dataclasses.dataclass(slots=True)
class Purse:
    """An account while history is made up; ids as bytes, as COPY takes them."""

    account: bytes
    owner: bytes
    posted: int = 0
    entry_seq: int = 0
    held_out: int = 0
    held_in: int = 0

    def spendable(self) -> int:
        """What may leave without passing a floor of zero."""
        return self.posted - self.held_out


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who moves money: people, and the house's accounts, which have no floor."""

    ledger: bytes
    house: bytes
    people: Sequence[Purse]
    shops: Sequence[Purse]
    cash: Purse
    fees: Purse

    def everybody(self) -> Iterator[Purse]:
        """Every account there is."""
        return itertools.chain(self.people, self.shops, (self.cash, self.fees))


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """The time that ``transactions`` are spread over, evenly, the last one right before ``until``.

    ``days`` is how long that is.
    """

    until: dt.datetime
    days: int
    transactions: int

    def moment_us(self, number: int) -> int:
        """When transaction ``number``, from 0, was recorded: microseconds since 1970."""
        whole_us = self.days * 86_400_000_000
        until_us = int(self.until.timestamp()) * 1_000_000
        return until_us - whole_us + number * whole_us // self.transactions

    def starts_at(self) -> dt.datetime:
        """Before everything."""
        return self.until - dt.timedelta(days=self.days)


class History:
    """Rows for each table, a block at a time; the cast's balances follow."""

    def __init__(self, *, cast: Cast, span: Span, random: Random) -> None:
        self._cast = cast
        self._span = span
        self._random = random
        self._rows: dict[str, list[bytes]] = {}
        self._number = 0

    def blocks(self, size: int) -> Iterator[dict[str, list[bytes]]]:
        """Yield up to ``size`` transactions at a time, as rows of every table."""
        while self._number < self._span.transactions:
            self._rows = {table: [] for table in COLUMNS}
            for _ in range(min(size, self._span.transactions - self._number)):
                self._happen()
                self._number += 1
            yield self._rows

    def _happen(self) -> None:
        random, cast = self._random, self._cast
        person = cast.people[int(random.random() * len(cast.people))]
        amount = 1 + int(random.random() * 20_000)
        moment_us = self._span.moment_us(self._number)
        if person.spendable() < amount + FEE_MINOR:
            deposit = amount + FEE_MINOR + int(random.random() * DEPOSIT_MINOR_MAX)
            self._post(moment_us, [(cast.cash, person, deposit)])
            return
        luck = random.random()
        if luck < 0.5:  # noqa: PLR2004 - every second one is a payment to somebody else
            other = cast.people[int(random.random() * len(cast.people))]
            if other is person:
                other = cast.shops[0]
            self._post(moment_us, [(person, other, amount)])
        else:
            # A few shops have most of the customers.
            shop = cast.shops[int(luck * luck * random.random() * len(cast.shops))]
            moves = [(person, shop, amount)]
            if self._number % FEE_EVERY == 0:
                moves.append((person, cast.fees, FEE_MINOR))
            self._post(moment_us, moves)
        if self._number % HOLD_EVERY == 0 and person.spendable() > 0:
            self._hold(moment_us + 1_000, person, cast.shops[-1])

    def _post(self, moment_us: int, moves: list[tuple[Purse, Purse, int]]) -> None:
        number, rows, cast = self._number, self._rows, self._cast
        identifier = self._id(moment_us)
        payer = moves[0][0].owner
        recorded_us = moment_us - _EPOCH_TO_POSTGRES_US
        earlier_us = (
            recorded_us - BACKDATED_BY // _MICROSECOND if number % BACKDATED_EVERY == 0 else None
        )
        recorded, earlier = _instant(recorded_us), _instant(earlier_us)
        reference = f"generated-{number}".encode() if number % REFERENCE_EVERY == 0 else None
        leg = 0
        for source, destination, amount in moves:
            for purse, change in ((source, -amount), (destination, amount)):
                purse.posted += change
                purse.entry_seq += 1
                kept = _entry(identifier, purse, change, recorded_us)
                last = _ENTRY_END.pack(2, leg, len(_ASSET), _ASSET)
                rows["entry"].append(kept + earlier + last)
                leg += 1
        rows["transaction"].append(
            _row(
                identifier,
                payer,
                cast.ledger,
                cast.house,
                b"system",
                b"import",
                REQUEST.encode(),
                recorded[4:],
                (earlier if earlier_us is not None else recorded)[4:],
                reference,
            )
        )
        if reference is not None:
            rows["transaction_reference"].append(_row(cast.ledger, reference, identifier))
        rows["outbox_event"].append(
            _row(identifier, payer, b"transaction.posted", identifier, recorded[4:])
        )

    def _hold(self, moment_us: int, person: Purse, shop: Purse) -> None:
        identifier, cast = self._id(moment_us), self._cast
        amount = 1 + int(self._random.random() * min(person.spendable(), 10_000))
        until_us = self._span.moment_us(self._span.transactions)
        expires_us = moment_us + HOLD_LASTS // _MICROSECOND
        is_pending = expires_us > until_us
        # Only what a year hence still reserves: a demo is looked at for longer than a week.
        ends_us = until_us + 365 * 86_400_000_000 if is_pending else expires_us
        if is_pending:
            person.held_out += amount
            shop.held_in += amount
        placed, ends = (_instant(at - _EPOCH_TO_POSTGRES_US)[4:] for at in (moment_us, ends_us))
        self._rows["hold"].append(
            _row(
                identifier,
                person.owner,
                cast.ledger,
                person.account,
                shop.account,
                shop.owner,
                _ASSET,
                struct.pack("!q", amount),
                struct.pack("!q", 0),
                b"pending" if is_pending else b"expired",
                ends,
                placed,
                None if is_pending else ends,
                cast.house,
                b"system",
                REQUEST.encode(),
            )
        )
        self._rows["outbox_event"].append(
            _row(identifier, person.owner, b"hold.placed", identifier, placed)
        )
        if not is_pending:
            told = self._id(ends_us)
            self._rows["outbox_event"].append(
                _row(told, person.owner, b"hold.expired", identifier, ends)
            )

    def _id(self, moment_us: int) -> bytes:
        return made_up_id(moment_us, self._random).bytes


def made_up_id(moment_us: int, random: Random) -> uuid.UUID:
    """Return a UUIDv7 of a moment whose other bits come from ``random``."""
    value = (moment_us // 1_000) << 80 | random.getrandbits(12) << 64 | random.getrandbits(62)
    return uuid.UUID(int=value | _UUID7_BITS)


def _entry(identifier: bytes, purse: Purse, change: int, recorded_us: int) -> bytes:
    """Pack what comes first of an entry: columns of fixed size, in the order of ``COLUMNS``."""
    numbers = (8, change, 8, purse.entry_seq, 8, purse.posted, 8, recorded_us)
    return _ENTRY.pack(_ENTRY_COLUMNS, 16, identifier, 16, purse.owner, 16, purse.account, *numbers)


def _instant(since_2000_us: int | None) -> bytes:
    return _NULL if since_2000_us is None else struct.pack("!iq", 8, since_2000_us)


def _row(*values: bytes | None) -> bytes:
    return struct.pack("!h", len(values)) + b"".join(
        [_NULL if value is None else _LENGTH.pack(len(value)) + value for value in values]
    )


def binary_copy(rows: Sequence[bytes]) -> bytes:
    """Return ``rows`` as a whole binary COPY."""
    return b"".join((b"PGCOPY\n\xff\r\n\x00", b"\x00" * 8, *rows, b"\xff\xff"))
