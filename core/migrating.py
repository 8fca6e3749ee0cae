"""Bringing the schema up to date under people who use it.

A migration that rewrites a table, waits for a lock before everybody else or takes away what the
version that still runs reads is refused before anything was done. A migration that must do such a
thing says so itself, with the reason: ``accepted = {"ban-drop-column": "Not read since 1.4."}``.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.core.management import call_command
from django.db import Error, connections
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from core.backups import drills
from core.backups.shelf import Manifest, Shelf
from core.backups.taking import take_backup

ADVISORY_LOCK: Final = 7_301_000
IRREVERSIBLE: Final = "irreversible"
# Rules of taste, and of timeouts, which are set for all migrations here.
_RULES_LEFT_OUT: Final = (
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-lock-timeout",
    "require-statement-timeout",
    "require-timeout-settings",
)


class MigrationRefused(Exception):
    """It was not done, or not to the end; the message says how far it came."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What makes a migration unsafe, by the rule's name, and what is wrong with it."""

    migration: str
    rule: str
    message: str


@contextmanager
def only_deploy() -> Iterator[None]:
    """Let only one process migrate: a second one waits, and then finds nothing to do."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
    try:
        yield
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])


def is_empty() -> bool:
    """Whether nothing was ever migrated here, so that there is nothing to lose or to block."""
    return not MigrationRecorder(connections["owner"]).applied_migrations()


def pending() -> list[Migration]:
    """Return the migrations that are not applied, in their order."""
    executor = MigrationExecutor(connections["owner"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [migration for migration, _backwards in plan]


def findings(migrations: Sequence[Migration]) -> list[Finding]:
    """Return what is unsafe in migrations that are not applied.

    Raises:
        MigrationRefused: the linter is not installed, or does not understand.
    """
    loader = MigrationExecutor(connections["owner"]).loader
    found = []
    for migration in migrations:
        sql = "\n".join(loader.collect_sql([(migration, False)]))
        accepted = getattr(migration, "accepted", {})
        unsafe = [*_linted(sql, is_atomic=migration.atomic), *_irreversible(migration)]
        found += [
            Finding(name_of(migration), rule, message)
            for rule, message in unsafe
            if not accepted.get(rule)
        ]
    return found


def take_verified_backup(*, kind: str, migrations: Sequence[Migration]) -> Manifest:
    """Take a backup of what is there before ``migrations``, and check its files.

    Raises:
        BackupFault: as :func:`core.backups.taking.take_backup`.
    """
    place = Shelf()
    manifest = take_backup(kind=kind, label=f"before {name_of(migrations[0])}", into=place)
    drills.verify_files(place, place.get(manifest.id))
    return manifest


def apply(migrations: Sequence[Migration], *, lock_timeout_s: int) -> None:
    """Apply all that is pending; no statement waits longer for a lock than it is told to.

    Each migration commits by itself: what was applied before one that fails stays.

    Raises:
        MigrationRefused: one failed; which, why, and what is applied.
    """
    connection = connections["owner"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{lock_timeout_s}s"])
    try:
        call_command("migrate", verbosity=0)
    except Error as exc:
        raise MigrationRefused(_how_far(migrations, exc)) from exc
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def name_of(migration: Migration) -> str:
    """Return a migration's name as people write it."""
    return f"{migration.app_label}.{migration.name}"


def _how_far(migrations: Sequence[Migration], reason: Exception) -> str:
    left = pending()
    applied = len(migrations) - len(left)
    told = f"{applied} of {len(migrations)} migrations are applied"
    if not left:
        return f"{told}, but what follows them failed: {reason}".strip()
    failed = left[0]
    state = (
        "nothing of it stayed"
        if failed.atomic
        else "it is not atomic: look for invalid indexes before it runs again"
    )
    words = str(reason).strip().splitlines()[0]
    return f"{name_of(failed)} failed: {words}; {state}; {told}."


def _irreversible(migration: Migration) -> list[tuple[str, str]]:
    return [
        (IRREVERSIBLE, f"There is no way back from: {operation.describe()}.")
        for operation in migration.operations
        if not operation.reversible
    ]


def _linted(sql: str, *, is_atomic: bool) -> list[tuple[str, str]]:
    version = connections["owner"].cursor().connection.info.server_version // 10_000
    done = subprocess.run(  # noqa: S603 - the linter, no shell
        [
            _linter(),
            "--reporter=json",
            "--no-error-on-unmatched-pattern",
            f"--pg-version={version}.0",
            f"--exclude={','.join(_RULES_LEFT_OUT)}",
            *(["--assume-in-transaction"] if is_atomic else []),
        ],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        said = json.loads(done.stdout)
    except ValueError as exc:
        raise MigrationRefused(f"The linter fails: {done.stderr.strip()[:300]}") from exc
    lines = sql.splitlines()
    return [
        (each["rule_name"], " ".join([each["message"], each["help"] or "", lines[each["line"]]]))
        for each in said
    ]


def _linter() -> str:
    path = Path(sysconfig.get_path("scripts")) / "squawk"
    if not path.is_file():
        raise MigrationRefused(
            "The linter of migrations is missing: pip install -r requirements-deploy.txt."
        )
    return str(path)
