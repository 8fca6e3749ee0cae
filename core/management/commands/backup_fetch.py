"""``manage.py backup_fetch``: bring a backup back from the second place."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core.backups.bucket import Bucket
from core.backups.commands import shelf_of, told_plainly
from core.backups.shelf import Shelf


class Command(BaseCommand):
    help = (
        "Bring a backup, what it builds on and the log after it from the bucket into BACKUP_FOLDER."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?", default="latest", help="Default: the newest there.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with told_plainly(), shelf_of(is_remote=True) as outline:
            fetched = Bucket().fetch(Shelf(), outline, options["id"])
        self.stdout.write("\n".join(fetched) or "All of it is here already.")
