"""``manage.py backup_restore``: bring a lost database back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core.backups import restoring
from core.backups.commands import instant, told_plainly
from core.backups.shelf import Shelf


class Command(BaseCommand):
    help = (
        "Write a new data directory from a backup and the log after it, check it, end every "
        "session, erase again who was erased, and hold webhooks back until somebody lets them go."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?", default="latest", help="Default: the newest fitting.")
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("--data", type=Path, help="Directory to write; must not exist.")
        wanted.add_argument("--dump", type=Path, help="File for pg_restore, of a logical backup.")
        parser.add_argument("--to-time", type=instant, help="Such as 2026-01-31T12:00:00Z.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with told_plainly():
            if options["dump"]:
                opened = restoring.open_dump(Shelf(), options["id"], into=options["dump"])
                self.stdout.write(f"{opened} is in {options['dump']}; pg_restore reads it.")
                return
            report = restoring.restore(
                Shelf(), options["id"], data=options["data"], to_time=options["to_time"]
            )
        for line in report:
            self.stdout.write(line)
