"""``manage.py prepare``: everything between an empty database and the first request."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from typing_extensions import override


class Command(BaseCommand):
    help = "Migrate, make partitions, grant rights and, if there is no staff yet, create the first."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--first-staff", required=True, help="E-mail of the first staff login.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            call_command("migrate", verbosity=0, stdout=self.stdout, stderr=self.stderr)
            call_command(
                "staff_create", "--if-none", "--email", options["first_staff"], stdout=self.stdout
            )
        except DatabaseError as exc:
            reason = str(exc).strip().splitlines()[0]
            raise CommandError(f"The database cannot be used: {reason}") from exc
