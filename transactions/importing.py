"""Reading a bank's CSV: every row checked before the first one is posted."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import functools
import gzip
from collections.abc import Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import IO, Final, NamedTuple

from core import fields

COLUMNS: Final = (
    "date",
    "external_id",
    "account",
    "owner",
    "operation",
    "purpose",
    "amount_minor",
    "balance_after_minor",
    "counterparty_bank",
    "currency",
)
_NEEDED: Final = ("external_id", "account", "owner", "currency")
FEES: Final = frozenset({"statement_fee"})
INTEREST: Final = frozenset({"interest", "penalty_interest"})


class RowFault(Exception):
    """A row cannot be taken; ``line`` is its line number in the file."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


class Row(NamedTuple):
    """One checked row; ``amount_minor`` is signed, from the account's point of view."""

    line: int
    effective_at: dt.datetime
    external_id: str
    account: str
    owner: str
    description: str
    amount_minor: int
    balance_after_minor: int | None
    house_account: str
    currency: str


def rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a CSV file, plain or gzipped.

    Raises:
        RowFault: the first row that cannot be taken.
    """
    with _opened(path) as file:
        reader = csv.reader(file, strict=True)
        try:
            names = next(reader, [])
            missing = sorted(set(COLUMNS) - set(names))
            if missing:
                raise RowFault(1, f"columns are missing: {', '.join(missing)}")
            chosen = itemgetter(*(names.index(name) for name in COLUMNS))
            for cells in reader:
                if cells:
                    _require_whole(reader.line_num, names, cells)
                    yield _row(reader.line_num, chosen(cells))
        except csv.Error as exc:
            raise RowFault(reader.line_num, f"not valid CSV ({exc})") from exc
        except UnicodeDecodeError as exc:
            raise RowFault(reader.line_num + 1, "not UTF-8 text") from exc


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield file
    else:
        with path.open(encoding="utf-8", newline="") as file:
            yield file


def _require_whole(line: int, names: Sequence[str], cells: Sequence[str]) -> None:
    if len(cells) < len(names):
        raise RowFault(line, f"{names[len(cells)]} is missing")
    if len(cells) > len(names):
        raise RowFault(line, "there are more cells than columns")
    if not fields.is_safe_text("".join(cells)):
        faulty = next(
            n for n, cell in zip(names, cells, strict=True) if not fields.is_safe_text(cell)
        )
        raise RowFault(line, f"{faulty} holds control characters")


def _row(line: int, cells: Sequence[str]) -> Row:
    """Return what ``cells``, in the order of :data:`COLUMNS`, say."""
    day, external_id, account, owner, operation, purpose, amount, balance, bank, currency = cells
    if not (external_id and account and owner and currency):
        given = dict(zip(COLUMNS, cells, strict=True))
        raise RowFault(line, f"{next(name for name in _NEEDED if not given[name])} is empty")
    amount_minor = minor_units(line, "amount_minor", amount)
    if amount_minor == 0:
        raise RowFault(line, "amount_minor is zero")
    return Row(
        line=line,
        effective_at=start_of_day(line, day),
        external_id=external_id,
        account=account,
        owner=owner,
        description=_description(operation, purpose),
        amount_minor=amount_minor,
        balance_after_minor=minor_units(line, "balance_after_minor", balance) if balance else None,
        house_account=_house_account(operation, purpose, bank),
        currency=currency,
    )


@functools.lru_cache
def _description(operation: str, purpose: str) -> str:
    """Say what a row is for: ``transfer_out``, ``household`` is "transfer out household"."""
    words = dict.fromkeys(word for word in (operation, purpose) if word)
    return " ".join(words).replace("_", " ")


def minor_units(line: int, name: str, text: str) -> int:
    """Return the whole number that ``text`` is, or raise :class:`RowFault`."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):  # noqa: PLR2004 - digits of 2^63
        raise RowFault(line, f"{name} is not a whole number: {text!r}")
    value = int(text)
    if abs(value) > fields.INT64_MAX:
        raise RowFault(line, f"{name} is out of range: {text}")
    return value


def start_of_day(line: int, text: str) -> dt.datetime:
    """Return the first instant of the day that ``text`` names, or raise :class:`RowFault`."""
    try:
        return _start_of_day(text)
    except ValueError:
        raise RowFault(line, f"date is not a date: {text!r}") from None


@functools.lru_cache
def _start_of_day(text: str) -> dt.datetime:
    day = dt.date.fromisoformat(text)
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


@functools.lru_cache
def _house_account(operation: str, purpose: str, bank: str) -> str:
    """Say where the money comes from or goes to."""
    if purpose in FEES:
        return "fees"
    if purpose in INTEREST:
        return "interest"
    if bank:
        return f"clearing:{bank}"
    return "clearing" if operation.startswith("transfer") else "cash"
