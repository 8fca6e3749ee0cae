"""``manage.py audit_unusual``: what hardly ever happens, and did."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.trail import unusual

HOURS_MAX = 24 * 366


class Command(BaseCommand):
    help = (
        "Look through the audit trail for new superusers, one who copied many people's data, and "
        "one who deleted rows of many people; exit 1 when there is any. The worker does so every "
        "ten minutes for the last hour."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=int, default=1, help="How far back to look.")
        parser.add_argument("--json", action="store_true", help="For programs.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["hours"] <= HOURS_MAX:
            raise CommandError(f"--hours is 1 to {HOURS_MAX}.")
        found = unusual.find(back=dt.timedelta(hours=options["hours"]))
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(finding) for finding in found]))
        else:
            for finding in found:
                self.stdout.write(f"{finding.kind}: {finding.who}: {finding.what}")
        if found:
            raise CommandError(f"{len(found)} findings.")
