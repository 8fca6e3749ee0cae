"""``manage.py db_security``: is the database as closed as it should be?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.cluster import security


class Command(BaseCommand):
    help = (
        "Look for what is open that should be closed: addresses, logins, roles, rights. Looks as "
        "the owner role; who may log in how, only a superuser can see."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url-file", type=Path, help="File with the URL of a superuser of the same database."
        )
        parser.add_argument("--json", action="store_true", help="For programs.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        url = security.url_to_look_from(options["url_file"])
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                found, skipped = security.findings_of_ours(connection)
        except psycopg.OperationalError as exc:
            raise CommandError("The database cannot be reached.") from exc
        if options["json"]:
            facts = [{"check": finding.check, "what": finding.what} for finding in found]
            self.stdout.write(json.dumps({"findings": facts, "skipped": skipped}))
        else:
            for finding in found:
                self.stdout.write(f"{finding.check}: {finding.what}")
            for name in skipped:
                self.stdout.write(f"{name}: not looked at, give --url-file of a superuser")
        if found:
            raise CommandError(f"{len(found)} findings.")
        if not options["json"]:
            self.stdout.write("No findings.")
