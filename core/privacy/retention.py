"""How long each class of data is kept, and letting go what is over."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import connection, models
from psycopg import sql

from core import clock, db
from core.privacy import data_map
from core.privacy.data_map import Table
from core.privacy.rows import in_order_of_deletion

ROWS_AT_ONCE: Final = 1_000
_WITH_ACCOUNT: Final = "erased with the account"
_BY_MONTH: Final = (
    "months go to the archive with `partitions_archive`; its files are deleted by hand"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One class: how long, how it goes, and after how many days if by itself."""

    kept: str
    how: str
    days: Callable[[], int] | None = None


RULES: Final = {
    "account": Rule("as long as the account", _WITH_ACCOUNT),
    "sessions": Rule(
        "`SESSION_RETENTION_DAYS` days after they ended",
        "deleted",
        lambda: settings.ENV.session_retention_days,
    ),
    "cookies": Rule("30 days after they ended", "deleted", lambda: 30),
    "links": Rule("30 days after they ended", "deleted", lambda: 30),
    "imports": Rule("90 days after they ran", "deleted", lambda: 90),
    "requests": Rule(
        "`IDEMPOTENCY_RETENTION_DAYS` days",
        "deleted",
        lambda: settings.ENV.idempotency_retention_days,
    ),
    "exports": Rule("`EXPORT_LIFETIME_H` hours", "deleted, with the file", lambda: 0),
    "consents": Rule("as long as consent may have to be proved", "pseudonymous after an erasure"),
    "audit": Rule("7 years", _BY_MONTH),
    "ledger": Rule("10 years", _BY_MONTH),
    "service": Rule("as long as the service needs it", "nobody's data"),
    # In no table, and people's data all the same.
    "logs": Rule("14 days, or 14 files of 200 MB", "removed by `deploy/logs/logrotate.conf`"),
    "backups": Rule(
        "7 days, 5 weeks, 12 months, 7 years",
        "removed by `backup_prune`; sealed until then, and every restore erases again",
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Aged:
    """What is over in one table: how many rows go, and how many a legal hold keeps."""

    table: str
    retention: str
    before: dt.datetime
    over: int
    held: int


def apply(*, is_dry_run: bool) -> list[Aged]:
    """Delete what is older than its class is kept, and return what that was, by table.

    Each chunk is a transaction of its own. Rows of a person under a legal hold stay.
    """
    return [
        _apply_to(model, table, is_dry_run=is_dry_run)
        for model, table in in_order_of_deletion()
        if table.over
    ]


def _apply_to(model: type[models.Model], table: Table, *, is_dry_run: bool) -> Aged:
    name = model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
    days = RULES[table.retention].days
    assert days is not None, f"{table.retention} has no age"
    before = clock.now() - dt.timedelta(days=days())
    aged = Aged(
        name,
        table.retention,
        before,
        *(_count(name, table, before, held) for held in (False, True)),
    )
    if not is_dry_run:
        while db.run_in_transaction(lambda: _delete(model, table, before)) == ROWS_AT_ONCE:
            pass
    return aged


def _count(name: str, table: Table, before: dt.datetime, held: bool) -> int:  # noqa: FBT001 - counts both sides
    statement = sql.SQL("SELECT count(*) FROM {} WHERE {} AND {}").format(
        sql.Identifier(name), sql.SQL(table.over), _held(table, is_held=held)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"before": before})
        return int((cursor.fetchone() or (0,))[0])


def _delete(model: type[models.Model], table: Table, before: dt.datetime) -> int:
    name = sql.Identifier(model._meta.db_table)  # noqa: SLF001 - as above
    key = sql.SQL(", ").join(map(sql.Identifier, _key(model)))
    statement = sql.SQL(
        "DELETE FROM {name} WHERE ({key}) IN "
        "(SELECT {key} FROM {name} WHERE {over} AND {held} LIMIT %(limit)s)"
    ).format(name=name, key=key, over=sql.SQL(table.over), held=_held(table, is_held=False))
    with connection.cursor() as cursor:
        cursor.execute(statement, {"before": before, "limit": ROWS_AT_ONCE})
        return int(cursor.rowcount)


def _held(table: Table, *, is_held: bool) -> sql.Composed:
    return sql.SQL("{} {} (SELECT user_id FROM legal_hold WHERE ended_at IS NULL)").format(
        sql.Identifier(table.whose), sql.SQL("IN" if is_held else "NOT IN")
    )


def _key(model: type[models.Model]) -> tuple[str, ...]:
    """Return the columns of the primary key, which Django does not know in full."""
    columns = data_map.columns_of(model)
    return ("id", "user_id") if "id" in columns else ("user_id", "key_hash")
