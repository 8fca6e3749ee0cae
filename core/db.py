"""Transactions, retries and what PostgreSQL's refusals mean.

Services change data inside :func:`run_in_transaction`. It is the only place that retries, and it
retries only what PostgreSQL says may be repeated: serialization failure, deadlock, lock timeout.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Value
from django.db.models.functions import Greatest, Now

from core import context, errors, metrics

T = TypeVar("T")

RETRIABLE_SQLSTATES: Final = frozenset({"40001", "40P01", "55P03"})
ATTEMPTS_MAX: Final = 3
BACKOFF_MS_BASE: Final = 10
UNAVAILABLE_RETRY_AFTER_S: Final = 2

_ERROR_BY_SQLSTATE: Final[dict[str, tuple[type[errors.DomainError], str]]] = {
    "22003": (errors.NumberOutOfRange, "A sum would leave the range of 64-bit integers."),
    "23503": (errors.ReferenceMissing, "The request refers to something that is not there."),
    "23505": (errors.ValueTaken, "A value that must be unique is already taken."),
    "23514": (errors.RuleViolated, "A value breaks a rule of the data."),
    "40001": (errors.DatabaseBusy, "Other requests changed the same data. Try again."),
    "40P01": (errors.DatabaseBusy, "Other requests changed the same data. Try again."),
    "53100": (errors.StorageFull, "Nothing was changed. Try again later."),
    "55P03": (errors.DatabaseBusy, "Another request holds the same data. Try again."),
    "57014": (errors.RequestTimeout, "The database work was cancelled; nothing was changed."),
}
# Connection exception, read only (a standby), ended for idling in a transaction, out of memory or
# connections, operator intervention, disk fault: the server cannot do this now.
_UNAVAILABLE_PREFIXES: Final = ("08", "25006", "25P03", "25P04", "53", "57P", "58")

log = structlog.get_logger(__name__)


def no_earlier_than_now(at: dt.datetime) -> Greatest:
    """Return ``at`` for a query, or PostgreSQL's own time when that is later.

    What has ended by PostgreSQL's clock does not begin again because ours was set back.
    """
    return Greatest(Value(at, DateTimeField()), Now())


def run_in_transaction(work: Callable[[], T]) -> T:
    """Run ``work`` so that all of its writes commit together, or none.

    Outermost, it opens a durable transaction and repeats ``work`` up to three times, with full
    jitter, when PostgreSQL ends it with 40001, 40P01 or 55P03. Inside another transaction it
    joins that one with a savepoint and never retries: only the outermost block may.

    ``work`` must not talk to the network or keep state outside the database.

    Raises:
        RequestTimeout: the request's deadline has passed; ``work`` did not run (again).
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.in_atomic_block:
        with transaction.atomic():
            return work()
    return retrying(lambda: _run_durably(work))


def retrying(attempt: Callable[[], T]) -> T:
    """Call ``attempt``, which is one whole transaction, again when PostgreSQL allows it."""
    for number in range(1, ATTEMPTS_MAX + 1):
        require_time_left()
        try:
            return attempt()
        except DatabaseError as exc:
            state = sqlstate(exc)
            if state not in RETRIABLE_SQLSTATES or number == ATTEMPTS_MAX:
                raise
            metrics.DB_RETRIES.labels(sqlstate=state).inc()
            # Not a secret: jitter only has to differ between processes.
            time.sleep(random.uniform(0, BACKOFF_MS_BASE * 2**number) / 1_000)  # noqa: S311
    raise AssertionError("the loop returns or raises")


def _run_durably(work: Callable[[], T]) -> T:
    with transaction.atomic(durable=True):
        outcome = work()
        # The client is told 504; a commit after it would make that a lie.
        require_time_left()
        if _is_time_short():
            # No timeout of a statement holds for what a COMMIT checks: check it before.
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        return outcome


def _is_time_short() -> bool:
    """Return whether less time is left than a statement may take by itself."""
    remaining_ms = context.current().remaining_ms()
    return remaining_ms is not None and remaining_ms < settings.ENV.db_statement_timeout_ms


def require_time_left() -> None:
    """Raise :class:`core.errors.RequestTimeout` when the current deadline has passed."""
    remaining_ms = context.current().remaining_ms()
    if remaining_ms is not None and remaining_ms <= 0:
        raise errors.RequestTimeout("The time for this request is used up; nothing was changed.")


def within_deadline(
    execute: Callable[..., Any], sql: Any, params: Any, many: Any, facts: dict[str, Any]
) -> Any:
    """Let no statement outlive the request's deadline: PostgreSQL cancels it there.

    Wraps every statement of :mod:`core.database`. It costs a round trip only when less time is
    left than the connection's own statement_timeout.

    Raises:
        RequestTimeout: the deadline has passed; the statement was not sent.
    """
    remaining_ms = context.current().remaining_ms()
    if (
        remaining_ms is None
        or remaining_ms >= settings.ENV.db_statement_timeout_ms
        or _is_savepoint(sql)
    ):
        return execute(sql, params, many, facts)
    require_time_left()
    connection = facts["connection"]
    if connection.in_atomic_block:
        _limit_statements(connection, remaining_ms)
        return execute(sql, params, many, facts)
    # A local setting needs a transaction; one of its own, as the statement had.
    with transaction.atomic(using=connection.alias):
        _limit_statements(connection, remaining_ms)
        return execute(sql, params, many, facts)


def hold_to_deadline() -> None:
    """Do the same for what is sent past Django's cursors, in the transaction that is open.

    Raises:
        RequestTimeout: the deadline has passed.
    """
    remaining_ms = context.current().remaining_ms()
    if remaining_ms is not None and remaining_ms < settings.ENV.db_statement_timeout_ms:
        require_time_left()
        _limit_statements(connections[DEFAULT_DB_ALIAS], remaining_ms)


def _limit_statements(connection: BaseDatabaseWrapper, limit_ms: float) -> None:
    # Past Django's wrappers, or this would wrap itself.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.cursor.execute(
            "SELECT set_config('statement_timeout', %s, true)", [str(max(1, int(limit_ms)))]
        )


def _is_savepoint(sql: object) -> bool:
    """Tell the statements that end a part of a transaction: they must work when it has failed."""
    return isinstance(sql, str) and sql.startswith(("SAVEPOINT", "ROLLBACK TO", "RELEASE"))


def sqlstate(exc: BaseException) -> str:
    """Return the five-character SQLSTATE behind ``exc``, or an empty string."""
    cause = driver_error(exc)
    return (cause.sqlstate or "") if cause else ""


def violated_constraint(exc: BaseException) -> str:
    """Return the name of the constraint that refused the statement, or an empty string."""
    cause = driver_error(exc)
    return (cause.diag.constraint_name or "") if cause else ""


def _table(exc: BaseException) -> str:
    cause = driver_error(exc)
    return (cause.diag.table_name or "") if cause else ""


def fault_detail(exc: BaseException) -> str:
    """Return the DETAIL of PostgreSQL's message, for faults that our functions raise."""
    cause = driver_error(exc)
    return (cause.diag.message_detail or "") if cause else ""


def driver_error(exc: BaseException) -> psycopg.Error | None:
    """Return the psycopg error that Django wrapped."""
    if isinstance(exc, psycopg.Error):
        return exc
    return exc.__cause__ if isinstance(exc.__cause__, psycopg.Error) else None


def as_domain_error(exc: DatabaseError | InterfaceError) -> errors.DomainError | None:
    """Say in our words what PostgreSQL refused, and log its own; ``None`` for a bug of ours.

    The answer never names tables, constraints or SQL; the log line does.
    """
    state = sqlstate(exc)
    known = _ERROR_BY_SQLSTATE.get(state)
    if known:
        error, detail = known
        retry_after_s = 1 if error.status == errors.DatabaseUnavailable.status else None
        described: errors.DomainError = error(detail, retry_after_s=retry_after_s)
    elif _is_unavailable(exc, state):
        described = errors.DatabaseUnavailable(
            # Lost during COMMIT, the outcome is not known: the key tells whether it was done.
            "Try again shortly, with the same Idempotency-Key if there was one.",
            retry_after_s=UNAVAILABLE_RETRY_AFTER_S,
        )
    else:
        return None
    log.warning(
        "database_refused",
        sqlstate=state,
        constraint=violated_constraint(exc),
        table=_table(exc),
        fingerprint=" ".join(getattr(exc, "__notes__", ())),
        error=type(exc.__cause__ or exc).__name__,
        code=described.code,
    )
    return described


def _is_unavailable(exc: DatabaseError | InterfaceError, state: str) -> bool:
    """Tell a server that is gone from a mistake of ours; a lost connection has no SQLSTATE."""
    if state:
        return state.startswith(_UNAVAILABLE_PREFIXES)
    return isinstance(driver_error(exc), psycopg.OperationalError | psycopg.InterfaceError)
