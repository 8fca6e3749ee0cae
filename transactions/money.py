"""Minor units as people read them. Integers only: money is never a fraction in here."""

from __future__ import annotations


def readable(amount_minor: int, exponent: int) -> str:
    """Return ``amount_minor`` with its decimals and thousands: ``-1234567`` is ``-12,345.67``."""
    sign = "-" if amount_minor < 0 else ""
    whole, part = divmod(abs(amount_minor), 10**exponent)
    decimals = f".{part:0{exponent}d}" if exponent else ""
    return f"{sign}{whole:,}{decimals}"
