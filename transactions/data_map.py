"""What the tables of the ledger hold. Books are kept by law: erasing a person leaves them whole."""

from __future__ import annotations

from typing import Any, Final

from core.privacy.data_map import CLEAR, CONTRACT, KEEP, LAW, Table

_HISTORY: Final = "Append-only: a row is its own record, and the ledger's seals prove it."
_BOOKED: Final = (
    "Part of the books, which the law has us keep unchanged; they name people by id alone."
)


def _booked(purpose: str, **columns: Any) -> Table:
    """Return a table of the books."""
    given = {"whose": "user_id", "basis": LAW, "retention": "ledger", "erasure": KEEP, **columns}
    if given.get("personal"):
        given |= {"kept": given["personal"], "kept_because": _BOOKED}
    return Table(purpose=purpose, **given)


_ACCOUNTS: Final = {
    "asset": Table(
        purpose="naming currencies", retention="service", technical="code name exponent iso_numeric"
    ),
    "ledger": Table(
        purpose="naming books", retention="ledger", technical="id code name created_at"
    ),
    "ledger_account": Table(
        purpose="saying whose money is where",
        basis=LAW,
        retention="ledger",
        erasure=CLEAR,
        whose="user_id",
        personal="code name metadata",
        technical=(
            "id user_id ledger_id asset_code type status status_before_lock version created_at"
        ),
        replaced={"code": "erased-{id}"},
    ),
    "balance": _booked(
        "saying how much there is",
        money="posted held_out held_in floor ceiling",
        technical="account_id user_id ledger_id asset_code entry_seq may_debit may_credit",
        unaudited="Changes with every posting, whose entries say by how much and after what.",
    ),
}
_TRANSACTIONS: Final = {
    "transaction": _booked(
        "recording what moved",
        personal="reference description metadata",
        technical=(
            "id user_id ledger_id kind effective_at recorded_at actor_id actor_kind session_id "
            "request_id reverses_id hold_id"
        ),
        doers="actor_id",
        of_doers="session_id",
        unaudited=_HISTORY,
    ),
    "entry": _booked(
        "recording what moved on each account",
        money="amount balance_after",
        technical=(
            "transaction_id leg user_id account_id asset_code account_seq recorded_at effective_at"
        ),
        unaudited=_HISTORY,
    ),
    "transaction_reference": _booked(
        "letting a reference name one transaction",
        whose="transaction_id",
        through="transaction",
        personal="reference",
        technical="ledger_id transaction_id",
        unaudited=_HISTORY,
    ),
    "transaction_note": _booked(
        "adding words to a transaction",
        personal="text",
        technical="id user_id transaction_id created_at",
        unaudited=_HISTORY,
    ),
    "exchange": _booked(
        "recording at which rate money was exchanged",
        money="source_amount fee_amount destination_amount",
        technical="id user_id source_asset destination_asset rate rate_scale created_at",
        unaudited=_HISTORY,
    ),
    "reversed_posting": _booked(
        "bounding what is reversed by what was posted",
        money="amount reversed",
        technical="transaction_id posting user_id",
        unaudited="Moves with each reversal, which is a transaction of its own.",
    ),
    "seal": Table(
        purpose="proving that history is what it was",
        retention="ledger",
        technical=(
            "number transactions last_epoch last_xid last_id previous_hash hash members sealed_at"
        ),
        unaudited=_HISTORY,
    ),
}
_PLANS: Final = {
    "hold": _booked(
        "setting money aside",
        basis=CONTRACT,
        personal="description metadata",
        money="amount captured",
        technical=(
            "id user_id ledger_id source_id destination_id destination_user_id asset_code status "
            "expires_at actor_id actor_kind session_id request_id created_at closed_at"
        ),
        withheld="destination_user_id",
        withheld_because="Whose account the money is for is that person's to tell.",
        doers="actor_id",
        of_doers="session_id",
        unaudited="Made and moved by the ledger's functions, which write an audit row each time.",
    ),
    "schedule": _booked(
        "posting later",
        basis=CONTRACT,
        personal="draft",
        technical=(
            "id user_id ledger_id run_at status may_take_from_any actor_kind session_id "
            "api_key_id request_id transaction_id failure_code failure_detail attempts created_at "
            "closed_at"
        ),
    ),
    "reconciliation": _booked(
        "comparing the books with a bank's statement",
        money="matched unexpected missing",
        technical=(
            "id user_id account_id first_day last_day days_apart_max file_sha256 actor_id "
            "created_at"
        ),
        doers="actor_id",
    ),
    "reconciliation_line": _booked(
        "comparing the books with a bank's statement, line by line",
        personal="reference description reason",
        money="amount",
        technical=(
            "id user_id reconciliation_id state rule day transaction_id account_seq resolved_by "
            "resolved_at"
        ),
        doers="resolved_by",
        of_doers="reason",
    ),
}
_DERIVED: Final = {
    name: _booked(
        "answering for a day of long ago at once",
        money=money,
        technical=technical,
        unaudited="Derived from entries, and made again from them at any time.",
    )
    for name, money, technical in (
        ("balance_snapshot", "recorded effective", "account_id user_id day"),
        ("snapshot_horizon", "", "account_id user_id entry_seq recorded_at"),
        (
            "archived_run",
            "amount balance_after",
            "user_id account_id archive_id recorded_day effective_day first_seq last_seq",
        ),
    )
}
TABLES: Final = {**_ACCOUNTS, **_TRANSACTIONS, **_PLANS, **_DERIVED}
