"""``manage.py partitions_ensure``: make the month partitions ahead of time."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core import partitions


class Command(BaseCommand):
    help = "Create the missing month partitions of the big tables; safe to run again."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--months-ahead",
            type=int,
            default=partitions.MONTHS_AHEAD,
            help="How many months beyond this one to prepare.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        created = partitions.ensure_months(months_ahead=options["months_ahead"])
        if created:
            self.stdout.write("\n".join(created))
        else:
            self.stdout.write("Nothing to do: every partition is there.")
