"""``manage.py db_report``: what of the database could be in better shape."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core.cluster import shape


class Command(BaseCommand):
    help = "Report unused, duplicate and missing indexes, bloat, and slow statements."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        found = shape.report()
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        for title, lines in found.items():
            self.stdout.write(f"{title}: {len(lines) or 'none'}")
            for line in lines:
                self.stdout.write(f"  {line}")
