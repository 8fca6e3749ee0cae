"""Limits and names of the ledger."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Final

from core.scopes import Scope

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
# The nil UUID (RFC 9562, section 5.9): what a name means that nobody has.
NOBODYS_ACCOUNT: Final = uuid.UUID(int=0)

# How far ahead an effective date may lie through the API; imports are free of it.
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
    "exchange": "equity",
}

KIND_POSTING: Final = "posting"
KIND_CAPTURE: Final = "capture"
KIND_REVERSAL: Final = "reversal"
KIND_EXCHANGE: Final = "exchange"
KIND_IMPORT: Final = "import"

HOLD_PENDING: Final = "pending"
HOLD_CAPTURED: Final = "captured"
HOLD_RELEASED: Final = "released"
HOLD_EXPIRED: Final = "expired"
HOLD_STATUSES: Final = (HOLD_PENDING, HOLD_CAPTURED, HOLD_RELEASED, HOLD_EXPIRED)
HOLD_EXPIRY_S_DEFAULT: Final = 7 * 86_400
HOLD_EXPIRY_S_MAX: Final = 366 * 86_400
HOLDS_EXPIRED_AT_ONCE: Final = 500
MATCHED: Final = "matched"
UNEXPECTED: Final = "unexpected"
MISSING: Final = "missing"
# What the bank says and we do too; what only the bank says; what only we say.
RECONCILIATION_STATES: Final = (MATCHED, UNEXPECTED, MISSING)
RECONCILIATION_LINES_MAX: Final = 10_000
DAYS_APART_DEFAULT: Final = 2
DAYS_APART_MAX: Final = 31
REASON_LENGTH_MAX: Final = 500

SCHEDULED: Final = "scheduled"
SCHEDULE_POSTED: Final = "posted"
SCHEDULE_FAILED: Final = "failed"
SCHEDULE_CANCELLED: Final = "cancelled"
SCHEDULE_STATUSES: Final = (SCHEDULED, SCHEDULE_POSTED, SCHEDULE_FAILED, SCHEDULE_CANCELLED)
SCHEDULES_AT_ONCE: Final = 1_000
# How often one that nothing judges, because something breaks, is tried before it counts as failed.
SCHEDULE_ATTEMPTS_MAX: Final = 5
SCHEDULE_AHEAD_MAX: Final = dt.timedelta(days=366)
NOTE_LENGTH_MAX: Final = 2_000
AMOUNT_MAX: Final = 2**63 - 1
RATE_SCALE_MAX: Final = 12
EXCHANGE_ACCOUNT: Final = "exchange"
DEFAULT_ACCOUNT: Final = "main"

# What an API key can be allowed to do with money; each view names the one it takes.
LEDGER_READ: Final = "ledger:read"
LEDGER_WRITE: Final = "ledger:write"
TRANSACTIONS_READ: Final = "transactions:read"
TRANSACTIONS_WRITE: Final = "transactions:write"
TRANSACTIONS_REVERSE: Final = "transactions:reverse"
TRANSACTIONS_LARGE: Final = "transactions:large"
HOLDS_READ: Final = "holds:read"
HOLDS_WRITE: Final = "holds:write"
SCHEDULES_READ: Final = "schedules:read"
SCHEDULES_WRITE: Final = "schedules:write"
EXCHANGES_WRITE: Final = "exchanges:write"
TRANSACTIONS_ANY: Final = "transactions:any"
LEDGER_ADMIN: Final = "ledger:admin"
EVENTS_READ: Final = "events:read"
REPORTS_READ: Final = "reports:read"
RECONCILIATIONS_READ: Final = "reconciliations:read"
RECONCILIATIONS_WRITE: Final = "reconciliations:write"
_VIEW_MONEY: Final = frozenset(
    f"transactions.view_{name}"
    for name in ("ledgeraccount", "transaction", "transactionnote", "hold", "schedule")
)
SCOPES: Final = (
    Scope(LEDGER_READ, "read ledgers, assets, ledger accounts, balances and statements"),
    Scope(LEDGER_WRITE, "open, change and close ledger accounts"),
    Scope(TRANSACTIONS_READ, "read transactions and their notes"),
    Scope(TRANSACTIONS_WRITE, "post transactions, one or many, and add notes"),
    Scope(TRANSACTIONS_REVERSE, "reverse transactions"),
    Scope(TRANSACTIONS_LARGE, "move amounts that ask people for a fresh login"),
    Scope(HOLDS_READ, "read holds"),
    Scope(HOLDS_WRITE, "place, capture and release holds"),
    Scope(SCHEDULES_READ, "read scheduled transactions"),
    Scope(SCHEDULES_WRITE, "schedule and cancel transactions"),
    Scope(EXCHANGES_WRITE, "exchange between assets"),
    Scope(
        REPORTS_READ,
        "read trial balances, and read and verify seals",
        frozenset({"transactions.view_balance", "transactions.view_seal"}),
    ),
    Scope(
        RECONCILIATIONS_READ,
        "read reconciliations",
        frozenset({"transactions.view_reconciliation"}),
    ),
    Scope(
        RECONCILIATIONS_WRITE,
        "upload bank statements for any account and resolve their lines",
        frozenset(
            f"transactions.{action}"
            for action in (
                *("view_ledgeraccount", "view_reconciliation"),
                *("add_reconciliation", "change_reconciliation"),
            )
        ),
    ),
    Scope(EVENTS_READ, "read the feed of all events", frozenset({"core.view_outboxevent"})),
    Scope(
        TRANSACTIONS_ANY,
        "see everybody's money and move it between any accounts",
        _VIEW_MONEY | {"transactions.post_any_transaction"},
    ),
    Scope(
        LEDGER_ADMIN,
        "open ledgers, assets and accounts for anybody, and set limits and status",
        _VIEW_MONEY
        | {f"transactions.add_{name}" for name in ("ledger", "asset", "ledgeraccount")}
        | {"transactions.change_ledgeraccount"},
    ),
)
