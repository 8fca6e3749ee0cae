"""The runbooks are right: their commands are run, as they stand there, on a server of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.hashers import check_password
from psycopg import sql

from core.embedded.binaries import Identity
from core.embedded.postgres import OWNER_ROLE, SUPERUSER, PostgresCluster
from tests import services
from tests.bank import Bank, opened, receiving, served, urls_of
from tests.people import PASSWORD

pytestmark = pytest.mark.xdist_group("recovery")
PAGES = services.ROOT / "docs" / "runbooks"
TRANSACTIONS = 500
# Debian's, where it is older than the one that comes with the tests.
OLDER = [
    folder / "bin"
    for folder in sorted(Path("/usr/lib/postgresql").glob("1[5-7]"))
    if (folder / "bin" / "initdb").is_file()
]


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Iterator[Bank]:
    home = tmp_path_factory.mktemp("runbooks")
    with opened(home, users=20, transactions=TRANSACTIONS) as bank:
        yield bank


@pytest.fixture
def programs(bank: Bank, tmp_path: Path) -> str:
    """A PATH on which ``manage.py``, ``python`` and PostgreSQL's programs are."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, arguments in {"manage.py": f"{services.ROOT / 'manage.py'} ", "python": ""}.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {arguments}"$@"\n')
        program.chmod(0o755)
    return f"{folder}:{bank.cluster.programs}:{bank.environment['PATH']}"


@dataclasses.dataclass
class Page:
    """The blocks of commands of one page, run in their order."""

    blocks: list[str]
    environment: dict[str, str]

    def run(
        self, *, identity: Identity | None = None, cwd: Path = services.ROOT, **more: str
    ) -> str:
        """Run the next block; what ``more`` names is known from here on. Return what it printed."""
        self.environment |= more
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.blocks.pop(0)],
            env=self.environment,
            cwd=cwd,
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def page(bank: Bank, programs: str):
    def read(name: str) -> Page:
        text = (PAGES / name).read_text(encoding="utf-8")
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        return Page(blocks, {**bank.environment, "PATH": programs})

    return read


def _transactions(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM transaction").fetchone()
        return row[0] if row else -1


def _all_of(bank: Bank, database: str) -> str:
    """Return everything a database holds, as text."""
    done = subprocess.run(
        [bank.cluster.programs / "pg_dump", bank.cluster.url(SUPERUSER, database)],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@contextlib.contextmanager
def _people(bank: Bank) -> Iterator[tuple[str, Callable[[], None]]]:
    """Let Ada and Bob be logged in; yield Bob's id, and what erases him."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with bank.start("tests/drivers/people.py", **pipes) as people:
        assert people.stdout is not None
        bob = people.stdout.readline().split()[1]

        def erase_bob() -> None:
            people.communicate("now\n")
            assert people.returncode == 0

        try:
            yield bob, erase_bob
        finally:
            people.kill()


def test_disaster_recovery(bank: Bank, page):
    walk = page("disaster-recovery.md")
    with receiving(bank), _people(bank) as (bob, erase_bob):
        before = _transactions(bank.cluster.url(SUPERUSER))
        bank.run("backup_create")
        until = dt.datetime.now(dt.UTC)
        erase_bob()
        bank.sql("UPDATE users SET name = 'lost'")
        bank.sql("ALTER TABLE transaction_note RENAME TO stolen")
    bank.sql("ALTER TABLE stolen RENAME TO transaction_note")
    data = bank.home / "disaster" / "pg" / "data"
    assert "-full-" in walk.run(NEW_DATA=str(data), UNTIL=until.isoformat())
    told = walk.run()
    assert "Every session and API key has ended" in told
    assert "1 people were erased again" in told
    copy = served(bank, data)
    try:
        with psycopg.connect(copy.url(SUPERUSER)) as connection:
            _require_safe_to_serve(connection, bob)
        walk.run(**urls_of(copy))
        assert "-full-" in walk.run()
        assert walk.blocks == []
        assert _transactions(copy.url(SUPERUSER)) == before
    finally:
        copy.stop(mode="immediate")


def _require_safe_to_serve(connection: psycopg.Connection, bob: str) -> None:
    """All is as before the loss, and yet nobody is logged in, erased in vain or told twice."""
    everybody: dict[str, str] = dict(
        connection.execute("SELECT id::text, email FROM users").fetchall()
    )
    assert "ada@example.org" in everybody.values()
    assert everybody[bob] != "bob@example.org"
    row = connection.execute("SELECT password FROM users WHERE email LIKE 'ada@%'").fetchone()
    assert row is not None
    assert check_password(PASSWORD, row[0])
    sessions = connection.execute("SELECT count(*), count(revoked_at) FROM session").fetchone()
    assert sessions == (1, 1)  # Bob's went with him
    held = "SELECT value FROM runtime_setting WHERE name = 'webhooks_flow'"
    assert connection.execute(held).fetchone() == (False,)
    assert connection.execute("SELECT FROM users WHERE name = 'lost'").fetchall() == []


def test_restore_of_a_dump(bank: Bank, page, tmp_path: Path):
    walk = page("restore.md")
    dump = tmp_path / "books.dump"
    walk.run(DUMP=str(dump))
    assert dump.stat().st_mode & 0o077 == 0
    # Erased since: the dump still knows who this was.
    ((erased, email),) = bank.sql(
        "SELECT id, email FROM users WHERE email LIKE '%@%' AND deleted_at IS NULL "
        "AND NOT is_staff ORDER BY id DESC LIMIT 1"
    )
    bank.run("user_erase", str(erased), "--reason", "Letter of 20 November", "--yes")
    with psycopg.connect(bank.cluster.url(SUPERUSER), autocommit=True) as superuser:
        owner = sql.Identifier(OWNER_ROLE)
        superuser.execute(sql.SQL("CREATE DATABASE moved OWNER {}").format(owner))
    walk.run(NEW_SUPERUSER_URL=bank.cluster.url(SUPERUSER, "moved"))
    assert not dump.exists()
    assert email in _all_of(bank, "moved")
    walk.run(
        DATABASE_URL=bank.cluster.url(database="moved"),
        DATABASE_OWNER_URL=bank.cluster.url(OWNER_ROLE, "moved"),
    )
    assert email not in _all_of(bank, "moved")
    walk.run()
    assert walk.blocks == []
    counts = [_transactions(bank.cluster.url(SUPERUSER, name)) for name in ("strongroom", "moved")]
    assert counts[0] == counts[1] > 0


def test_key_loss(bank: Bank, page, tmp_path: Path):
    walk = page("key-loss.md")
    # Under the former identity there stay backups that no longer open.
    apart = str(tmp_path / "backups")
    assert '"checks": {' in walk.run(BACKUP_FOLDER=apart)
    walk.run()
    walk.run()
    assert walk.blocks == []


def test_bad_deploy(bank: Bank, page):
    walk = page("bad-deploy.md")
    assert "Nothing to do" in walk.run()
    walk.run()
    *_, before, newest = sorted(
        path.stem for path in (services.ROOT / "transactions" / "migrations").glob("0*.py")
    )
    walk.run(APP="transactions", BEFORE=before)
    assert bank.run("migrate", "--check", check=False).returncode == 1
    walk.run()
    assert f"transactions.{newest}" in walk.run()
    assert walk.blocks == []
    assert bank.run("migrate", "--check").returncode == 0


@pytest.fixture
def older(bank: Bank, tmp_path_factory) -> Iterator[PostgresCluster]:
    """The bank's books in a server of an older major version."""
    if not OLDER:
        pytest.skip("no older PostgreSQL; .ci/run installs one")
    cluster = dataclasses.replace(
        bank.cluster, home=tmp_path_factory.mktemp("older") / "pg", programs=OLDER[0]
    )
    for parent in cluster.home.parents:
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    cluster.start()
    try:
        dump = subprocess.run(
            [bank.cluster.programs / "pg_dump", bank.cluster.url(SUPERUSER)],
            check=True,
            capture_output=True,
        )
        # It passes over settings that the older one does not know.
        loaded = [str(bank.cluster.programs / "psql"), "--quiet", cluster.url(SUPERUSER)]
        subprocess.run(loaded, input=dump.stdout, check=True, capture_output=True)
        yield cluster
    finally:
        cluster.stop(mode="immediate")


def test_upgrade_of_postgresql(bank: Bank, page, older: PostgresCluster):
    walk = page("upgrade-postgresql.md")
    (home := older.home.with_name("newer")).mkdir()
    older._own(home)
    newer = dataclasses.replace(bank.cluster, home=home)
    passwords = (older.home / "passwords.json").read_text()
    (home / "passwords.json").write_text(passwords)
    before = _books(older)
    walk.run(BACKUP_FOLDER=str(home / "backups-before"), **urls_of(older))
    walk.run(
        identity=older.identity,
        cwd=home,
        OLD_BIN=str(older.programs),
        OLD_DATA=str(older.data),
        NEW_BIN=str(newer.programs),
        NEW_DATA=str(newer.data),
        PGPASSWORD=json.loads(passwords)[SUPERUSER],
    )
    with (newer.data / "postgresql.conf").open("a") as configuration:
        configuration.write("\ninclude_if_exists = 'strongroom.conf'\n")
    newer.start()
    try:
        walk.run(SUPERUSER_URL=newer.url(SUPERUSER), **urls_of(newer))
        assert "-full-" in walk.run(BACKUP_FOLDER=str(home / "backups"))
        assert walk.blocks == []
        assert _books(newer) == before
        assert (older.data / "PG_VERSION").read_text() < (newer.data / "PG_VERSION").read_text()
    finally:
        newer.stop(mode="immediate")


def _books(cluster: PostgresCluster) -> list[tuple[int, str]]:
    """Every table of money, people and history as one sum over its rows."""
    tables = ("users", "ledger_account", "balance", "transaction", "entry", "audit_change")
    asked = [
        f'SELECT count(*), sum(hashtextextended(t::text, 0))::text FROM "{table}" t'
        for table in tables
    ]
    with psycopg.connect(cluster.url(SUPERUSER)) as connection:
        return connection.execute(" UNION ALL ".join(asked)).fetchall()
