"""Calling the ledger's functions in PostgreSQL, and saying what their refusals mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg.rows import namedtuple_row

from core import context, db, statements, tracing
from core import errors as core_errors
from transactions import errors


def call(function: str, parameters: list[Any]) -> list[Any]:
    """Run ``function``: by itself in one round trip, else in the transaction that is open.

    Raises:
        DomainError: a rule of the ledger refused, and nothing has moved.
        DatabaseError: what PostgreSQL refused for other reasons, retried where that may help.
    """
    try:
        return _call(function, parameters)
    except DatabaseError as exc:
        refusal = _refusal(exc)
        if refusal is None:
            raise
        raise refusal from exc


def _call(function: str, parameters: list[Any]) -> list[Any]:
    if connection.in_atomic_block:
        # The savepoint keeps the caller's transaction usable when PostgreSQL refuses.
        with transaction.atomic():
            return _execute(function, parameters)
    remaining_ms = context.current().remaining_ms()
    is_short = remaining_ms is not None and remaining_ms < settings.ENV.db_statement_timeout_ms
    if is_short or tracing.traceparent():
        # Too little time left to trust the connection's own limit: set one for this transaction.
        # And what is traced says so to the events it makes, which takes one too.
        return db.run_in_transaction(lambda: _execute(function, parameters))
    return db.retrying(lambda: _execute(function, parameters))


def _execute(function: str, parameters: list[Any]) -> list[Any]:
    connection.ensure_connection()
    if connection.in_atomic_block:
        db.hold_to_deadline()
    with (
        connection.wrap_database_errors,
        psycopg.RawCursor(connection.connection, row_factory=namedtuple_row) as cursor,
    ):
        try:
            # Without the comment that other statements carry: it would be a new text each time,
            # and prepared anew. The request's id is among the parameters.
            if parent := tracing.traceparent():
                cursor.execute("SELECT set_config('strongroom.traceparent', $1, true)", [parent])
            with statements.timed(function):
                # Binary answers need no parsing: a batch has thousands of instants and ids.
                cursor.execute(function, parameters, prepare=True, binary=True)
            return cursor.fetchall()
        except psycopg.errors.LockNotAvailable as exc:
            if "idempotency_key" not in (exc.diag.context or ""):
                raise
            raise core_errors.IdempotencyInProgress(
                "The first request with this key is still running.", retry_after_s=1
            ) from exc


_DETAILS: Final[dict[type[core_errors.DomainError], str]] = {
    errors.LedgerAccountNotFound: "There is no such account for you in this ledger.",
    errors.AssetMismatch: "The account holds another asset.",
    errors.LedgerAccountFrozen: "The account is frozen.",
    errors.LedgerAccountClosed: "The account is closed.",
    errors.InsufficientFunds: "The source does not have that much to spend.",
    errors.LimitExceeded: "The destination may not hold that much.",
    errors.ReferenceTaken: "Another transaction of this ledger has this reference.",
    errors.ExpectationFailed: "An expected entry_seq is not the account's.",
    errors.BalanceOverflow: "A balance would leave the range of 64-bit integers.",
}
_LEG_FAULTS: Final[dict[str, type[core_errors.DomainError]]] = {
    "SR010": errors.LedgerAccountNotFound,
    "SR011": errors.AssetMismatch,
    "SR012": errors.LedgerAccountFrozen,
    "SR013": errors.LedgerAccountClosed,
    "SR015": errors.InsufficientFunds,
    "SR016": errors.LimitExceeded,
}
_CONSTRAINT_FAULTS: Final[dict[str, type[core_errors.DomainError]]] = {
    "balance_floor": errors.InsufficientFunds,
    "balance_ceiling": errors.LimitExceeded,
    "transaction_reference_pkey": errors.ReferenceTaken,
}
_HOLD_FAULTS: Final[dict[str, Callable[[str], core_errors.DomainError]]] = {
    "SR021": lambda status: errors.HoldNotPending(f"The hold is {status}.", hold_status=status),
    "SR022": lambda _none: errors.HoldExpired("The time to capture it is over."),
    "SR023": lambda left: errors.CaptureExceedsHold(
        "Capture at most what is left.", remaining=int(left)
    ),
}


def refused(
    error: type[core_errors.DomainError], pointer: str = "", **facts: Any
) -> core_errors.DomainError:
    """Return ``error`` in the ledger's words, with the place it is about when there is one."""
    detail = _DETAILS[error]
    if pointer:
        facts["errors"] = [{"pointer": pointer, "code": error.code, "detail": detail}]
    return error(detail, **facts)


def _refusal(exc: DatabaseError) -> core_errors.DomainError | None:
    """Say which rule PostgreSQL applied; ``None`` when it was none of the ledger's."""
    state = db.sqlstate(exc)
    if state in _LEG_FAULTS:
        number, posting, side = (db.fault_detail(exc) or "1,1,source").split(",")
        pointer = f"#/postings/{int(posting) - 1}/{side}"
        return refused(_LEG_FAULTS[state], pointer, transaction=int(number) - 1)
    if state == "SR014":
        return refused(errors.ExpectationFailed)
    if state in _HOLD_FAULTS:
        return _HOLD_FAULTS[state](db.fault_detail(exc))
    if state == "22003":
        return refused(errors.BalanceOverflow)
    if state in ("23514", "23505"):
        known = _CONSTRAINT_FAULTS.get(db.violated_constraint(exc))
        return refused(known) if known else None
    return None
