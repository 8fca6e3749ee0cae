"""``manage.py partitions_restore FOLDER``: bring an archived month back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import archives


class Command(BaseCommand):
    help = "Bring the rows of an archived month back, all or none; the files stay."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="The folder with manifest.json.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            archive = archives.restore_archive(folder=options["folder"])
        except archives.ArchiveFault as exc:
            raise CommandError(str(exc)) from exc
        for table, known in archive.manifest["tables"].items():
            self.stdout.write(f"{table:<24}{known['rows']:>12,} rows are back")
