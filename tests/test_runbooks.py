"""The runbooks are right: their commands are run, as they stand there, on a server of its own."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core.embedded.postgres import OWNER_ROLE, SUPERUSER
from tests import services
from tests.bank import Bank, opened, receiving, served, urls_of

pytestmark = pytest.mark.xdist_group("recovery")
PAGES = services.ROOT / "docs" / "runbooks"
TRANSACTIONS = 500


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

    def run(self, **more: str) -> str:
        """Run the next block; what ``more`` names is known from here on. Return what it printed."""
        self.environment |= more
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.blocks.pop(0)],
            env=self.environment,
            cwd=services.ROOT,
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


def test_disaster_recovery(bank: Bank, page):
    walk = page("disaster-recovery.md")
    before = _transactions(bank.cluster.url(SUPERUSER))
    with receiving(bank):
        bank.run("backup_create")
        until = dt.datetime.now(dt.UTC)
        bank.sql("UPDATE users SET name = 'lost'")
        bank.sql("ALTER TABLE transaction_note RENAME TO stolen")
    bank.sql("ALTER TABLE stolen RENAME TO transaction_note")
    data = bank.home / "disaster" / "pg" / "data"
    assert "-full-" in walk.run(NEW_DATA=str(data), UNTIL=until.isoformat())
    assert "Every session and API key has ended" in walk.run()
    copy = served(bank, data)
    try:
        walk.run(**urls_of(copy))
        assert "-full-" in walk.run()
        assert walk.blocks == []
        assert _transactions(copy.url(SUPERUSER)) == before
        with psycopg.connect(copy.url(SUPERUSER)) as connection:
            lost = connection.execute("SELECT FROM users WHERE name = 'lost'").fetchall()
        assert lost == []
    finally:
        copy.stop(mode="immediate")


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
