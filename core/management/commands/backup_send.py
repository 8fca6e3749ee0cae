"""``manage.py backup_send``: copy to the second place what is not there yet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from core.backups.bucket import Bucket
from core.backups.commands import told_plainly
from core.backups.shelf import Shelf


class Command(BaseCommand):
    help = (
        "Copy backups and finished segments of the log that the bucket has not. backup_create and "
        "wal_receive do it by themselves; this makes up for what they could not send."
    )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with told_plainly():
            sent = Bucket().send(Shelf())
        self.stdout.write(f"{len(sent)} files sent.")
