"""A private bank: a PostgreSQL of its own with a history, and the commands beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyrage

from core.embedded.postgres import BACKUP_ROLE, OWNER_ROLE, SUPERUSER, PostgresCluster
from tests import services
from tests.waiting import until


@dataclasses.dataclass
class Bank:
    """The server, and the environment that points commands at it."""

    cluster: PostgresCluster
    environment: dict[str, str]
    home: Path

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            env=self.environment,
            cwd=services.ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def start(self, *arguments: str, **facts) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env={**self.environment, "PYTHONPATH": str(services.ROOT)},
            cwd=services.ROOT,
            text=True,
            **facts,
        )

    def sql(self, statement: str, role: str = SUPERUSER) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.cluster.url(role), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def urls_of(cluster: PostgresCluster) -> dict[str, str]:
    """Return the environment that points commands at ``cluster``."""
    return {
        "DATABASE_URL": cluster.url(),
        "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE),
        "DATABASE_BACKUP_URL": cluster.url(BACKUP_ROLE),
        "DATABASE_SUPERUSER_URL": cluster.url(SUPERUSER),
    }


@contextlib.contextmanager
def opened(home: Path, *, users: int, transactions: int) -> Iterator[Bank]:
    """Run a bank under ``home`` with so much made-up history."""
    for folder in (home, *home.parents):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    cluster = services.cluster_at(home)
    cluster.start()
    environment = {
        **os.environ,
        **urls_of(cluster),
        "BACKUP_FOLDER": str(home / "backups"),
        "BACKUP_IDENTITY": str(pyrage.x25519.Identity.generate()),
        "ERASURE_JOURNAL": str(home / "erasures.jsonl"),
        "AUDIT_CHECKPOINTS": str(home / "audit-seals.jsonl"),
    }
    bank = Bank(cluster, environment, home)
    try:
        bank.run("migrate", "--verbosity", "0")
        wanted = ("--users", str(users), "--transactions", str(transactions))
        bank.run("demo_generate", *wanted)
        yield bank
    finally:
        cluster.stop(mode="immediate")


def served(bank: Bank, data: Path) -> PostgresCluster:
    """Start a server on a data directory that was brought back."""
    passwords = (bank.cluster.home / "passwords.json").read_text()
    (data.parent / "passwords.json").write_text(passwords)
    copy = dataclasses.replace(bank.cluster, home=data.parent)
    copy.start()
    return copy


@contextlib.contextmanager
def receiving(bank: Bank) -> Iterator[None]:
    """Receive the log; at the end all that was written so far is sealed."""
    with bank.start("manage.py", "wal_receive", stdout=subprocess.PIPE) as receiver:
        try:
            assert receiver.stdout is not None
            assert receiver.stdout.readline().strip() == "Receiving."
            yield
            ((switched,),) = bank.sql("SELECT pg_walfile_name(pg_switch_wal())")
            until((bank.home / "backups" / "wal" / f"{switched}.zst.age").is_file)
        finally:
            receiver.terminate()
        assert receiver.wait() == 0
