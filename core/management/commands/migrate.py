"""``manage.py migrate``: Django's, as the owner role, and then all that a schema needs to serve."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections
from typing_extensions import override

from core import epochs, hooks, partitions, privileges

ADVISORY_LOCK = 7_301_000


class Command(DjangoMigrate):
    help = "Bring the schema up to date, make partitions, grant rights; safe to run again."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with connections["owner"].cursor() as cursor:
            # Two deploys at once: the second waits and finds nothing to do.
            cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        try:
            super().handle(*args, **options)
            if options["app_label"] is None and not (options["plan"] or options["check_unapplied"]):
                self._prepare_to_serve(quiet=options["verbosity"] == 0)
        finally:
            with connections["owner"].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])

    def _prepare_to_serve(self, *, quiet: bool) -> None:
        created = partitions.ensure_months()
        if created and not quiet:
            self.stdout.write(f"Partitions created: {', '.join(created)}")
        epochs.begin_if_restored()
        hooks.fire(hooks.AFTER_MIGRATE)
        privileges.grant_readonly_role()
        role = privileges.grant_application_role()
        if role is None:
            self.stderr.write(
                "The application connects as the owner role: set DATABASE_OWNER_URL to give it "
                "a role without rights on history."
            )
