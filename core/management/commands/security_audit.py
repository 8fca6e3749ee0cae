"""``manage.py security_audit``: one report, with a row for whatever was looked at."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import security_audit
from core.cluster import security


class Command(BaseCommand):
    help = (
        "Look at settings, database, libraries and answers, and report each with what is wrong. "
        "We look at ourselves: no third party has audited this software."
    )
    requires_system_checks = []

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", help="Where the service answers: its headers are looked at.")
        parser.add_argument(
            "--advisories", type=Path, help="ZIP of known holes in the OSV format, of PyPI."
        )
        parser.add_argument(
            "--url-file", type=Path, help="File with the URL of a superuser of the same database."
        )
        parser.add_argument("--json", action="store_true", help="For programs.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        rows = security_audit.report(
            database_url=security.url_to_look_from(options["url_file"]),
            url=options["url"],
            advisories=options["advisories"],
        )
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(row) for row in rows]))
        else:
            for row in rows:
                self.stdout.write(f"{row.area}: {row.state}")
                for fault in row.faults:
                    self.stdout.write(f"    {fault}")
        failed = [row.area for row in rows if row.state == security_audit.FAILED]
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}.")
