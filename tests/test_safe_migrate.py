"""Deploys while people work: backup first, nothing unsafe, never two at once, a stated end."""

from __future__ import annotations

import dataclasses
import io
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from core import migrating
from core.backups import sealing
from core.backups.shelf import Shelf
from core.migrating import MigrationRefused
from tests.database import url_of
from tests.people import make_person
from tests.services import ROOT
from tests.waiting import until

Connect = Callable[[str], psycopg.Connection]

MIGRATION = """
    from django.db import migrations
    class Migration(migrations.Migration):
        initial = True
        operations = [migrations.RunSQL({forward!r}, {backward})]
        {more}
"""
# It has no models, so no migrations of its own.
APP = "drf_spectacular"
ADD = "ALTER TABLE users ADD COLUMN later_note text"
DROP = "ALTER TABLE users DROP COLUMN later_note"


@dataclasses.dataclass
class Release:
    """One more migration, which each test writes, and the commands beside it."""

    folder: Path
    database: str

    def write(self, forward: str, *, backward: str | None = DROP, more: str = "") -> None:
        text = MIGRATION.format(forward=forward, backward=repr(backward), more=more)
        (self.folder / "later" / "migrations" / "0001_note.py").write_text(textwrap.dedent(text))

    def deploy(self, *arguments: str) -> str:
        said = io.StringIO()
        call_command("safe_migrate", "--kind", "logical", *arguments, stdout=said, stderr=said)
        return said.getvalue()

    def refused(self, *arguments: str) -> str:
        said = io.StringIO()
        with pytest.raises(CommandError) as refusal:
            call_command("safe_migrate", "--kind", "logical", *arguments, stdout=said, stderr=said)
        return said.getvalue() + str(refusal.value)

    def start(self) -> subprocess.Popen[str]:
        """Deploy in a process of its own."""
        urls = {
            "DATABASE_URL": url_of("app", self.database),
            "DATABASE_OWNER_URL": url_of("owner", self.database),
            "DATABASE_BACKUP_URL": url_of("superuser", self.database),
            "BACKUP_FOLDER": settings.ENV.backup_folder,
            "BACKUP_IDENTITY": settings.ENV.backup_identity,
            "PYTHONPATH": f"{ROOT}:{self.folder}",
        }
        return subprocess.Popen(
            [sys.executable, "tests/drivers/deploy.py", APP, "later.migrations"],
            env={**os.environ, **urls},
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @property
    def backups(self) -> list[str]:
        return [manifest.label for manifest in Shelf().backups()]


@pytest.fixture
def release(committed_db: str, tmp_path: Path, monkeypatch) -> Iterator[Release]:
    package = tmp_path / "later" / "migrations"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    environment = dataclasses.replace(
        settings.ENV,
        database_backup_url=url_of("superuser", committed_db),
        backup_folder=str(tmp_path / "backups"),
        backup_identity=sealing.make_identity(),
        backup_recipients=[],
    )
    monkeypatch.setattr(settings, "ENV", environment)
    monkeypatch.syspath_prepend(tmp_path)
    make_person("ada@example.org")
    with override_settings(MIGRATION_MODULES={APP: "later.migrations"}):
        yield Release(tmp_path, committed_db)
    for name in [name for name in sys.modules if name.partition(".")[0] == "later"]:
        del sys.modules[name]


def _columns(connect: Connect) -> set[str]:
    rows = connect("superuser").execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'users'"
    )
    return {name for (name,) in rows}


def _rows(connect: Connect) -> list[tuple[str, str]]:
    """The books and the people as sums over whole rows, without the column that comes and goes."""
    tables = ("users", "ledger_account", "balance", "transaction", "entry", "audit_event")
    asked = [
        f"SELECT '{table}', md5(string_agg(row::text, '' ORDER BY row::text)) "
        f"FROM (SELECT to_jsonb(t) - 'later_note' AS row FROM \"{table}\" t) AS rows"
        for table in tables
    ]
    return connect("superuser").execute(" UNION ALL ".join(asked)).fetchall()


def test_backup_then_plan_then_forward_backward_forward(release: Release, connect: Connect):
    release.write(ADD)
    before = _rows(connect)
    planned = release.deploy("--plan")
    assert f"{APP}.0001_note\n    Raw SQL operation" in planned
    assert (release.backups, "later_note" in _columns(connect)) == ([], False)
    told = release.deploy()
    assert "1 migrations applied" in told
    assert release.backups == [f"before {APP}.0001_note"]
    assert "later_note" in _columns(connect)
    call_command("migrate", APP, "zero", verbosity=0)
    assert "later_note" not in _columns(connect)
    release.deploy()
    assert "later_note" in _columns(connect)
    assert _rows(connect) == before


def test_nothing_to_do_takes_no_backup(release: Release):
    release.write(ADD)
    release.deploy()
    assert "Nothing to do" in release.deploy()
    assert len(release.backups) == 1


@pytest.mark.parametrize(
    ("forward", "rule"),
    [
        ("ALTER TABLE users ADD COLUMN later_note text NOT NULL", "adding-required-field"),
        ("CREATE INDEX later_note ON users (email)", "require-concurrent-index-creation"),
        ("ALTER TABLE users ALTER COLUMN email TYPE varchar(90)", "changing-column-type"),
        ("ALTER TABLE users RENAME COLUMN email TO mail", "renaming-column"),
        ("ALTER TABLE users DROP COLUMN email", "ban-drop-column"),
        ("DROP TABLE outbox_event", "ban-drop-table"),
    ],
    ids=lambda value: value.split()[0] if " " in value else value,
)
def test_unsafe_is_refused_before_anything_is_done(
    release: Release, connect: Connect, forward: str, rule: str
):
    release.write(forward)
    before = _columns(connect), _rows(connect)
    said = release.refused()
    assert f"{APP}.0001_note: {rule}:" in said
    assert forward in said
    assert "nothing was done" in said
    assert release.backups == []
    assert (_columns(connect), _rows(connect)) == before


def test_what_cannot_be_taken_back_is_refused(release: Release):
    release.write(ADD, backward=None)
    assert "irreversible: There is no way back from" in release.refused("--plan")


def test_migration_may_say_why_it_must(release: Release, connect: Connect):
    forward = "ALTER TABLE users ADD COLUMN later_note text; CREATE INDEX l ON users (email)"
    release.write(forward, more='accepted = {"require-concurrent-index-creation": ""}')
    assert "require-concurrent-index-creation" in release.refused()
    (module,) = [name for name in sys.modules if name.endswith("0001_note")]
    del sys.modules[module]
    release.write(forward, more='accepted = {"require-concurrent-index-creation": "Small."}')
    assert "1 migrations applied" in release.deploy()
    assert "later_note" in _columns(connect)


def test_lock_that_is_held_ends_the_deploy_in_a_stated_way(release: Release, connect: Connect):
    release.write(ADD)
    reader = connect("app")
    with reader.transaction():
        reader.execute("SELECT 1 FROM users")
        said = release.refused("--lock-timeout-s", "1")
    assert f"{APP}.0001_note failed: canceling statement due to lock timeout" in said
    assert "nothing of it stayed; 0 of 1 migrations are applied" in said
    assert "later_note" not in _columns(connect)
    release.deploy()
    assert "later_note" in _columns(connect)


def test_two_deploys_do_not_race(release: Release, connect: Connect):
    release.write(ADD)
    lock = connect("owner")
    lock.execute("SELECT pg_advisory_lock(%s)", [migrating.ADVISORY_LOCK])
    deploys = [release.start(), release.start()]
    watcher = connect("superuser")
    until(lambda: _waiting(watcher) == 2)
    lock.execute("SELECT pg_advisory_unlock(%s)", [migrating.ADVISORY_LOCK])
    said = [deploy.communicate(timeout=120) for deploy in deploys]
    assert [deploy.returncode for deploy in deploys] == [0, 0], said
    assert sorted("Nothing to do" in out for out, _ in said) == [False, True]
    assert release.backups == [f"before {APP}.0001_note"]


def test_killed_migration_leaves_nothing_and_runs_again(release: Release, connect: Connect):
    release.write(f"{ADD}; SELECT pg_sleep(3600)")
    deploy = release.start()
    sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    watcher = connect("superuser")
    until(lambda: watcher.execute(sleeping).fetchall())
    deploy.send_signal(signal.SIGKILL)
    deploy.communicate()
    ours = sleeping.replace("pid", "pg_terminate_backend(pid)") + " AND datname = %s"
    watcher.execute(ours, [release.database])
    until(lambda: not watcher.execute(sleeping).fetchall())
    assert "later_note" not in _columns(connect)
    release.write(ADD)
    assert "1 migrations applied" in release.deploy()


def _waiting(watcher: psycopg.Connection) -> int:
    rows = watcher.execute(
        "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return len(rows.fetchall())


def test_missing_linter_is_one_clear_line(release: Release, monkeypatch):
    release.write(ADD)
    monkeypatch.setattr("core.migrating.sysconfig.get_path", lambda _name: "/nowhere")
    assert "requirements-deploy.txt" in release.refused()
    assert release.backups == []


def test_linter_that_does_not_understand_is_no_consent(release: Release, monkeypatch):
    release.write(ADD)
    monkeypatch.setattr(migrating, "_linter", lambda: "/bin/false")
    with pytest.raises(MigrationRefused, match="The linter fails"):
        migrating.findings(migrating.pending())
