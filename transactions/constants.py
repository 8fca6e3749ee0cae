"""Limits and names of the ledger."""

from __future__ import annotations

import datetime as dt
from typing import Final

ASSET_PATTERN: Final = r"[A-Z][A-Z0-9_]{1,15}"
ASSET_EXPONENT_MAX: Final = 9
CODE_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"
CODE_LENGTH_MAX: Final = 64
NAME_LENGTH_MAX: Final = 200
REFERENCE_LENGTH_MAX: Final = 128
DESCRIPTION_LENGTH_MAX: Final = 500
POSTINGS_MAX: Final = 256
EXPECTATIONS_MAX: Final = 512
BATCH_MAX: Final = 1_000
DEFAULT_LEDGER: Final = "main"

# How far an effective date may lie from now through the API; imports are free of it.
EFFECTIVE_PAST_MAX: Final = dt.timedelta(days=366)
EFFECTIVE_FUTURE_MAX: Final = dt.timedelta(minutes=5)

OPEN: Final = "open"
FROZEN_DEBIT: Final = "frozen_debit"
FROZEN: Final = "frozen"
CLOSED: Final = "closed"
STATUSES: Final = (OPEN, FROZEN_DEBIT, FROZEN, CLOSED)
STATUS_RIGHTS: Final[dict[str, tuple[bool, bool]]] = {
    # status: (may be debited, may be credited)
    OPEN: (True, True),
    FROZEN_DEBIT: (False, True),
    FROZEN: (False, False),
    CLOSED: (False, False),
}
ACCOUNT_TYPES: Final = ("liability", "asset", "equity", "income", "expense")
LIABILITY: Final = "liability"
# What the house opens by itself when it is first named; each may go below zero.
HOUSE_TYPES: Final[dict[str, str]] = {
    "cash": "asset",
    "clearing": "asset",
    "world": "equity",
    "fees": "income",
    "interest": "expense",
}
