"""Minor units as people read them. Integers only: money is never a fraction in here."""

from __future__ import annotations

import re
from typing import Final

AMOUNT: Final = re.compile(r"(-?)(\d{1,3}(?:,\d{3})+|\d{1,19})(?:\.(\d{1,9}))?", re.ASCII)


def readable(amount_minor: int, exponent: int) -> str:
    """Return ``amount_minor`` with its decimals and thousands: ``-1234567`` is ``-12,345.67``."""
    sign = "-" if amount_minor < 0 else ""
    whole, part = divmod(abs(amount_minor), 10**exponent)
    decimals = f".{part:0{exponent}d}" if exponent else ""
    return f"{sign}{whole:,}{decimals}"


def minor_units(text: str, exponent: int) -> int:
    """Return what ``text`` says in minor units, with or without thousands: the way back.

    Raises:
        ValueError: not an amount, more decimals than there are, or beyond 64 bits.
    """
    found = AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError("Write it like -1,234.56.")
    sign, whole, part = found[1], found[2].replace(",", ""), found[3] or ""
    if len(part) > exponent:
        raise ValueError(f"There are {exponent} decimals.")
    amount_minor = int(whole + part.ljust(exponent, "0"))
    if amount_minor >= 2**63:
        raise ValueError("That is more than can be counted.")
    return -amount_minor if sign else amount_minor
