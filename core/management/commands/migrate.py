"""``manage.py migrate``: Django's, as the owner role, and then all that a schema needs to serve."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from typing_extensions import override

from core import epochs, hooks, migrating, partitions, privileges


class Command(DjangoMigrate):
    help = "Bring the schema up to date, make partitions, grant rights; safe to run again."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with migrating.only_deploy():
            super().handle(*args, **options)
            if options["app_label"] is None and not (options["plan"] or options["check_unapplied"]):
                self._prepare_to_serve(quiet=options["verbosity"] == 0)

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
