"""``manage.py safe_migrate``: bring the schema up to date while people use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.migrations import Migration
from typing_extensions import override

from core import migrating
from core.backups.commands import told_plainly
from core.backups.shelf import FULL, KINDS
from core.migrating import MigrationRefused


class Command(BaseCommand):
    help = (
        "Show the plan, refuse what would stop or break a running service, take a backup and check "
        "it, and then migrate; no statement waits long for a lock. A second deploy waits and finds "
        "nothing to do."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--plan", action="store_true", help="Only show it; 1 when unsafe.")
        parser.add_argument("--kind", choices=KINDS, default=FULL, help="Of the backup.")
        parser.add_argument("--lock-timeout-s", type=int, default=5, help="Default: 5.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with migrating.only_deploy():
                self._migrate(options)
        except MigrationRefused as exc:
            raise CommandError(str(exc)) from exc

    def _migrate(self, options: dict[str, Any]) -> None:
        migrations, is_new = migrating.pending(), migrating.is_empty()
        self._show(migrations)
        if migrations and not is_new:
            self._require_safe(migrations)
        if options["plan"]:
            return
        if migrations and not is_new:
            with told_plainly():
                manifest = migrating.take_verified_backup(
                    kind=options["kind"], migrations=migrations
                )
            self.stdout.write(f"Backup: {manifest.id}")
        migrating.apply(migrations, lock_timeout_s=options["lock_timeout_s"])
        call_command("migrate", check_unapplied=True, verbosity=0)
        self.stdout.write(f"{len(migrations)} migrations applied.")

    def _show(self, migrations: Sequence[Migration]) -> None:
        if not migrations:
            self.stdout.write("Nothing to do: the schema is the code's.")
        for migration in migrations:
            self.stdout.write(migrating.name_of(migration))
            for operation in migration.operations:
                self.stdout.write(f"    {operation.describe()}")

    def _require_safe(self, migrations: Sequence[Migration]) -> None:
        found = migrating.findings(migrations)
        for finding in found:
            self.stderr.write(f"{finding.migration}: {finding.rule}: {finding.message}")
        if found:
            raise CommandError(
                f"{len(found)} findings: nothing was done. Migrations that must do this say why in "
                "their attribute accepted."
            )
