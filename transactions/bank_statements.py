"""A bank's statement: its lines as CSV, and which of our entries they are."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from core import fields
from transactions.importing import RowFault, minor_units, start_of_day

COLUMNS: Final = ("date", "amount_minor", "reference", "description")
REQUIRED: Final = ("date", "amount_minor")
TEXT_LENGTH_MAX: Final = 500
BY_REFERENCE: Final = "reference"
BY_AMOUNT: Final = "amount and date"


@dataclasses.dataclass(frozen=True, slots=True)
class BankLine:
    """What the bank says; ``amount_minor`` is signed, from the account's point of view."""

    day: dt.date
    amount_minor: int
    reference: str = ""
    description: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class BookLine:
    """What our ledger says: an entry by the day it takes effect."""

    day: dt.date
    amount_minor: int
    reference: str
    description: str
    transaction_id: uuid.UUID
    account_seq: int


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """A bank's line and ours, by place, and the rule that brought them together."""

    bank: int
    book: int
    rule: str


def bank_lines(text: str) -> list[BankLine]:
    """Return the lines of a CSV text with a header.

    Raises:
        RowFault: the first line that cannot be taken.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = reader.fieldnames or ()
        if set(REQUIRED) - set(names) or set(names) - set(COLUMNS) or len(set(names)) < len(names):
            raise RowFault(1, f"the columns are {', '.join(COLUMNS)}; the last two are optional")
        return [_bank_line(reader.line_num, given) for given in reader]
    except csv.Error as exc:
        raise RowFault(reader.line_num, f"not valid CSV ({exc})") from exc


def match(bank: Sequence[BankLine], book: Sequence[BookLine], *, days_apart_max: int) -> list[Pair]:
    """Pair lines that are the same movement; each line is in one pair at most.

    First those with the same reference and amount, then those with the same amount not more than
    ``days_apart_max`` days apart. Of several candidates the nearest day wins, then the first.
    """
    pairs: list[Pair] = []
    for rule in (BY_REFERENCE, BY_AMOUNT):
        paired_bank = {pair.bank for pair in pairs}
        paired_book = {pair.book for pair in pairs}
        for _, place, other in sorted(_candidates(bank, book, rule, days_apart_max)):
            if place not in paired_bank and other not in paired_book:
                pairs.append(Pair(place, other, rule))
                paired_bank.add(place)
                paired_book.add(other)
    return pairs


def _candidates(
    bank: Sequence[BankLine], book: Sequence[BookLine], rule: str, days_apart_max: int
) -> Iterator[tuple[int, int, int]]:
    by_amount: dict[int, list[int]] = {}
    for place, entry in enumerate(book):
        by_amount.setdefault(entry.amount_minor, []).append(place)
    for place, line in enumerate(bank):
        for other in by_amount.get(line.amount_minor, ()):
            days_apart = abs((line.day - book[other].day).days)
            if rule == BY_REFERENCE:
                if line.reference and line.reference == book[other].reference:
                    yield days_apart, place, other
            elif days_apart <= days_apart_max:
                yield days_apart, place, other


def _bank_line(line: int, given: dict[str, str | None]) -> BankLine:
    if None in given or None in given.values():
        raise RowFault(line, "there are more or fewer cells than columns")
    text = {name: (given.get(name) or "").strip() for name in COLUMNS}
    for name, value in text.items():
        if not fields.is_safe_text(value) or len(value) > TEXT_LENGTH_MAX:
            raise RowFault(line, f"{name} holds control characters or is too long")
    amount = minor_units(line, "amount_minor", text["amount_minor"])
    if amount == 0:
        raise RowFault(line, "amount_minor is zero")
    return BankLine(
        start_of_day(line, text["date"]).date(), amount, text["reference"], text["description"]
    )
