"""Reading a bank's CSV: every row checked before the first one is posted."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

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
FEES: Final = frozenset({"statement_fee"})
INTEREST: Final = frozenset({"interest", "penalty_interest"})


class RowFault(Exception):
    """A row cannot be taken; ``line`` is its line number in the file."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
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
        reader = csv.DictReader(file, strict=True)
        missing = sorted(set(COLUMNS) - set(reader.fieldnames or ()))
        if missing:
            raise RowFault(1, f"columns are missing: {', '.join(missing)}")
        try:
            for given in reader:
                yield _row(reader.line_num, given)
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


def _row(line: int, given: dict[str, str | None]) -> Row:
    for name in COLUMNS:
        if given.get(name) is None or not fields.is_safe_text(given[name] or ""):
            raise RowFault(line, f"{name} is missing or holds control characters")
    if None in given:
        raise RowFault(line, "there are more cells than columns")
    text = {name: given[name] or "" for name in COLUMNS}
    for name in ("external_id", "account", "owner", "currency"):
        if not text[name]:
            raise RowFault(line, f"{name} is empty")
    amount = minor_units(line, "amount_minor", text["amount_minor"])
    if amount == 0:
        raise RowFault(line, "amount_minor is zero")
    balance = text["balance_after_minor"]
    return Row(
        line=line,
        effective_at=start_of_day(line, text["date"]),
        external_id=text["external_id"],
        account=text["account"],
        owner=text["owner"],
        description=_description(text["operation"], text["purpose"]),
        amount_minor=amount,
        balance_after_minor=minor_units(line, "balance_after_minor", balance) if balance else None,
        house_account=_house_account(text),
        currency=text["currency"],
    )


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
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise RowFault(line, f"date is not a date: {text!r}") from None
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def _house_account(text: dict[str, str]) -> str:
    """Say where the money comes from or goes to."""
    if text["purpose"] in FEES:
        return "fees"
    if text["purpose"] in INTEREST:
        return "interest"
    if text["counterparty_bank"]:
        return f"clearing:{text['counterparty_bank']}"
    return "clearing" if text["operation"].startswith("transfer") else "cash"
