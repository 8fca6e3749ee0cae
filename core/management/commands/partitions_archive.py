"""``manage.py partitions_archive``: move old months into files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import archives, partitions


def _month(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y-%m").replace(tzinfo=dt.UTC).date()


class Command(BaseCommand):
    help = (
        "Write a month of the big tables to compressed files with a manifest, read them back, and "
        "only then drop the month here. Balances and statements stay right."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--month", type=_month, help="One month, such as 2025-01.")
        which.add_argument(
            "--keep-months", type=int, help="Every month older than this many whole ones."
        )
        parser.add_argument("--folder", type=Path, help="Default: ARCHIVE_FOLDER.")
        parser.add_argument(
            "--allow-current",
            action="store_true",
            help="Also a month that is not over; writers wait for a moment.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"] or settings.BASE_DIR / settings.ENV.archive_folder
        months = (
            [options["month"]]
            if options["month"]
            else partitions.months_older_than(options["keep_months"])
        )
        for month in months:
            try:
                archive = archives.archive_month(
                    month=month, folder=folder, allow_current=options["allow_current"]
                )
            except (archives.ArchiveFault, OSError) as exc:
                raise CommandError(str(exc)) from exc
            self.stdout.write(archive.folder)
            for table, known in archive.manifest["tables"].items():
                self.stdout.write(f"    {table:<24}{known['rows']:>12,} rows")
        if not months:
            self.stdout.write("Nothing to do: there is no older month.")
