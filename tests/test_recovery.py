"""The database is lost and comes back: to an instant, from a chain, without what must stay gone."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from core.embedded.postgres import SUPERUSER, PostgresCluster
from tests.bank import Bank, opened, receiving, served, urls_of
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("recovery")
TRANSACTIONS = 100_000
# `make soak` asks for 10; the last one is always that at which a table was dropped.
INSTANTS = int(os.environ.get("INSTANTS", "3"))


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Iterator[Bank]:
    """A server of this module's own with a hundred thousand transactions."""
    home = tmp_path_factory.mktemp("bank")
    with opened(home, users=500, transactions=TRANSACTIONS) as bank:
        yield bank


def _restored(bank: Bank, name: str, *arguments: str) -> PostgresCluster:
    """Bring the database back into a new cluster and start that."""
    data = bank.home / name / "pg" / "data"
    bank.run("backup_restore", "--data", str(data), *arguments)
    return served(bank, data)


def _references(cluster: PostgresCluster, poster: str) -> set[str]:
    with psycopg.connect(cluster.url(SUPERUSER)) as connection:
        rows = connection.execute(
            'SELECT reference FROM "transaction" WHERE reference LIKE %s', [f"{poster}-%"]
        )
        return {row[0] for row in rows}


def _control_totals(cluster: PostgresCluster, poster: str) -> tuple[int, ...]:
    """How many transactions a poster made, their entries, what was moved, and what is left over."""
    with psycopg.connect(cluster.url(SUPERUSER)) as connection:
        row = connection.execute(
            """SELECT count(DISTINCT t.id), count(*), sum(abs(e.amount)) / 2, sum(e.amount)
               FROM "transaction" t JOIN entry e ON e.transaction_id = t.id
               WHERE t.reference LIKE %s""",
            [f"{poster}-%"],
        ).fetchone()
        assert row is not None
        return tuple(int(total) for total in row)


Journal = list[tuple[str, float]]


@contextlib.contextmanager
def _posting(bank: Bank, name: str) -> Iterator[Journal]:
    """Post for a while, and keep what was acknowledged, with the time after each commit."""
    journal: Journal = []
    poster = bank.start("tests/drivers/poster.py", name, stdout=subprocess.PIPE)

    def keep_journal() -> None:
        for line in poster.stdout or ():
            reference, at = line.split()
            journal.append((reference, float(at)))

    reader = threading.Thread(target=keep_journal)
    reader.start()
    try:
        yield journal
    finally:
        poster.kill()
        poster.wait()
        reader.join()
        assert poster.stdout is not None
        poster.stdout.close()


def test_recovery_to_any_instant_under_write_load(bank: Bank):
    """Full, incremental and log; a table is dropped; each instant is a prefix of the journal."""
    with receiving(bank):
        with _posting(bank, "instants") as journal:
            until(lambda: len(journal) > 5)
            bank.run("backup_create")
            bank.run("backup_create", "--kind", "incremental")
            enough = len(journal) + 200
            until(lambda: len(journal) > enough)
        ((dropped_at,),) = bank.sql("SELECT clock_timestamp()")
        bank.sql("DROP TABLE transaction_note CASCADE")
    last = json.loads(bank.run("backup_list", "--json").stdout)[-1]
    begins = dt.datetime.fromisoformat(last["ended_at"]).timestamp()
    chance = random.Random(20_261)
    instants = [chance.uniform(begins, dropped_at.timestamp()) for _ in range(INSTANTS - 1)]
    for number, instant in enumerate([*instants, dropped_at.timestamp()]):
        _require_prefix(bank, f"instant-{number}", instant, journal)


def _require_prefix(bank: Bank, name: str, instant: float, journal: Journal) -> None:
    to_time = dt.datetime.fromtimestamp(instant, dt.UTC).isoformat()
    copy = _restored(bank, name, "--to-time", to_time)
    try:
        there = _references(copy, "instants")
        before = {reference for reference, at in journal if at <= instant}
        assert before <= there, "what was acknowledged is back"
        # The clock was read after the commit: one posting may lie between the two.
        assert len(there - before) <= 1, "what came later is not"
        assert _control_totals(copy, "instants") == (len(there), 2 * len(there), len(there), 0)
        with psycopg.connect(copy.url(SUPERUSER)) as connection:
            notes = connection.execute("SELECT to_regclass('transaction_note')::text").fetchone()
        assert notes == ("transaction_note",)
    finally:
        copy.stop(mode="immediate")


@contextlib.contextmanager
def _standby(bank: Bank) -> Iterator[PostgresCluster]:
    """Run a second server that every commit of the bank's waits for."""
    home = bank.home / "standby" / "pg"
    home.mkdir(parents=True)
    copy = dataclasses.replace(bank.cluster, home=home)
    copy._own(home)
    taken = copy._run(
        *("pg_basebackup", "--dbname", bank.cluster.url(SUPERUSER, "postgres")),
        *("--pgdata", str(copy.data), "--checkpoint=fast", "--write-recovery-conf"),
    )
    assert taken.returncode == 0, taken.stderr
    passwords = (bank.cluster.home / "passwords.json").read_text()
    (home / "passwords.json").write_text(passwords)
    copy.start()
    bank.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
    bank.sql("SELECT pg_reload_conf()")
    try:
        until(lambda: bank.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))
        yield copy
    finally:
        copy.stop(mode="immediate")
        bank.cluster.start()
        bank.sql("ALTER SYSTEM RESET synchronous_standby_names")
        bank.sql("SELECT pg_reload_conf()")


def test_what_was_acknowledged_is_on_the_standby_when_the_primary_dies(bank: Bank):
    with _standby(bank) as standby:
        with _posting(bank, "standby") as journal:
            until(lambda: len(journal) > 50)
            standby.stop(mode="immediate")
            until(lambda: bank.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
            without = len(journal)
            standby.start()
            until(lambda: len(journal) > without + 50)
            bank.cluster.kill()
        assert standby._run("pg_ctl", "promote", "-w", "-D", str(standby.data)).returncode == 0
        assert {reference for reference, _ in journal} <= _references(standby, "standby")
        promoted = dataclasses.replace(
            bank, cluster=standby, environment={**bank.environment, **urls_of(standby)}
        )
        promoted.run("ledger_verify")


def test_drill_proves_each_kind(bank: Bank):
    bank.run("backup_create", "--kind", "logical")
    for manifest in json.loads(bank.run("backup_list", "--json").stdout):
        if manifest["kind"] == "logical":
            report = json.loads(bank.run("backup_verify", manifest["id"], "--drill").stdout)
            assert report["checks"] == {"migrations": "ok", "ledger": "ok", "audit": "ok"}
    listed = json.loads(bank.run("backup_list", "--json").stdout)
    assert listed[-1]["verified"]["restore_s"] > 0
    with receiving(bank):
        bank.run("backup_create")
        report = json.loads(bank.run("dr_drill", "--rto-s", "120").stdout)
    assert report["checks"] == {"migrations": "ok", "ledger": "ok", "audit": "ok"}
    assert 0 < report["rto_s"] <= 120
    assert report["rpo_s"] <= 300


def test_killed_backup_never_looks_like_one(bank: Bank):
    before = {m["id"] for m in json.loads(bank.run("backup_list", "--json").stdout)}
    folder = bank.home / "backups"
    for number in range(20):
        process = bank.start("manage.py", "backup_create", stderr=subprocess.DEVNULL)
        until(lambda: list(folder.glob("*.partial")))
        if number % 2:
            until(lambda: list(folder.glob("*.partial/*")))
        process.send_signal(signal.SIGKILL)
        process.wait()
    listed = {m["id"] for m in json.loads(bank.run("backup_list", "--json").stdout)}
    assert listed == before
    assert {path.name for path in folder.glob("2*") if path.suffix != ".partial"} == before


def test_flipped_byte_of_a_table_is_found_by_the_next_backup(bank: Bank):
    bank.sql("CHECKPOINT")
    ((path,),) = bank.sql("SELECT pg_relation_filepath('ledger_account')")
    with (bank.cluster.data / path).open("r+b") as file:
        file.seek(5_000)
        good = file.read(1)
        file.seek(5_000)
        file.write(bytes([good[0] ^ 1]))
        file.flush()
        try:
            refused = bank.run("backup_create", check=False)
        finally:
            file.seek(5_000)
            file.write(good)
    assert refused.returncode == 1
    assert "checksum" in refused.stderr
    assert not list((bank.home / "backups").glob("*.partial"))


def test_backup_without_room_or_right_leaves_nothing(bank: Bank, tmp_path: Path):
    refused = dataclasses.replace(
        bank,
        environment={**bank.environment, "DATABASE_BACKUP_URL": bank.environment["DATABASE_URL"]},
    ).run("backup_create", check=False)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert not list((bank.home / "backups").glob("*.partial"))
