"""Databases for tests: a clone for each worker, raw connections as each role."""

from __future__ import annotations

import contextlib
import os
import time
import urllib.parse
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache, caches
from django.db import connections
from psycopg import sql

from core import cache as shared_cache
from core import rates, runtime_settings
from transactions.selectors import accounts

TEMPLATE = "strongroom"
FINAL_TIMEOUT_S = 600
ROLE_VARIABLES = {
    "app": "DATABASE_URL",
    "owner": "DATABASE_OWNER_URL",
    "superuser": "DATABASE_SUPERUSER_URL",
}


def url_of(role: str, database: str) -> str:
    """Return the URL of ``database`` for one of the three roles."""
    parts = urllib.parse.urlsplit(os.environ[ROLE_VARIABLES[role]])
    return urllib.parse.urlunsplit(parts._replace(path=f"/{database}"))


def environment_of(database: str) -> dict[str, str]:
    """Return the environment of this process, with ``database`` as the service's."""
    urls = {
        "DATABASE_URL": url_of("app", database),
        "DATABASE_OWNER_URL": url_of("owner", database),
    }
    return {**os.environ, **urls}


def clone(database: str) -> None:
    """Make ``database`` anew from the migrated template, whoever still uses it."""
    with psycopg.connect(url_of("superuser", "postgres"), autocommit=True) as connection:
        name = sql.Identifier(database)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER strongroom_owner").format(
                name, sql.Identifier(TEMPLATE)
            )
        )


def drop(database: str) -> None:
    """Remove ``database``, whoever still uses it."""
    with psycopg.connect(url_of("superuser", "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
        )


def close_all() -> None:
    """Give up every connection of this process, pooled ones too."""
    for alias in connections:
        connections[alias].close()
        if getattr(connections[alias], "pool", None):
            connections[alias].close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend


@contextlib.contextmanager
def pointed_at(database: str) -> Iterator[None]:
    """Let Django use ``database`` meanwhile."""
    before = settings.DATABASES["default"]["NAME"]
    try:
        _point_at(database)
        yield
    finally:
        _point_at(before)


def _point_at(database: str) -> None:
    close_all()
    for alias in ("default", "owner"):
        settings.DATABASES[alias]["NAME"] = database
        connections[alias].settings_dict["NAME"] = database
    # Ids that this process remembers are those of the other database.
    accounts._house_accounts.clear()


def _let_transactions_idle() -> None:
    """Let a test be one transaction however long a busy machine takes over it."""
    options = settings.DATABASES["default"]["OPTIONS"]
    options["options"] += " -c idle_in_transaction_session_timeout=0"


def await_final() -> None:
    """Return once every transaction that ran when this was called has ended, in any database."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        (next_xid,) = cursor.fetchone()
        deadline = time.monotonic() + FINAL_TIMEOUT_S
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if cursor.fetchone()[0] >= next_xid:
                return
            time.sleep(0.01)
    raise AssertionError("a transaction stays open")


@pytest.fixture(scope="session")
def worker_database(worker_id: str) -> str:
    """The name of this worker's own database."""
    return f"test_{worker_id}"


@pytest.fixture(scope="session")
def django_db_setup(worker_database: str, django_db_blocker) -> Iterator[None]:
    """Point Django at a clone of the template instead of making a test database."""
    clone(worker_database)
    _point_at(worker_database)
    _let_transactions_idle()
    # Each process has a Valkey database of its own, which it may empty.
    number = int(worker_database.removeprefix("test_gw").replace("test_master", "127"))
    location = os.environ["REDIS_URL"].partition("db=")[0] + f"db={number}"
    settings.CACHES["default"]["LOCATION"] = location
    with contextlib.suppress(AttributeError):
        del caches["default"]
    yield
    with django_db_blocker.unblock():
        close_all()
    drop(worker_database)


@pytest.fixture(autouse=True)
def clean_cache(request: pytest.FixtureRequest) -> None:
    """Let no test see what another one cached or counted."""
    if request.node.get_closest_marker("django_db") or (
        {"db", "committed_db"} & set(request.fixturenames)
    ):
        # First: it gives this process its Valkey database.
        request.getfixturevalue("django_db_setup")
        shared_cache.use_again()
        cache.clear()
        rates.forget_all_here()
        runtime_settings.assume({})


@pytest.fixture
def committed_db(django_db_setup, django_db_blocker, worker_database: str) -> Iterator[str]:
    """A database whose commits are real; the next test finds a fresh clone. Yields its name."""
    with django_db_blocker.unblock():
        yield worker_database
        close_all()
    clone(worker_database)
    # Ids that this process remembers are those of the database that is gone.
    accounts._house_accounts.clear()


@pytest.fixture
def connect(worker_database: str) -> Iterator[Callable[[str], psycopg.Connection]]:
    """Open raw connections to the worker's database as ``app``, ``owner`` or ``superuser``."""
    with contextlib.ExitStack() as stack:

        def open_as(role: str) -> psycopg.Connection:
            url = url_of(role, worker_database)
            return stack.enter_context(psycopg.connect(url, autocommit=True))

        yield open_as
