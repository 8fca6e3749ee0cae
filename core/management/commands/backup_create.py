"""``manage.py backup_create``: take a backup."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm
from typing_extensions import override

from core.backups import bucket
from core.backups.commands import told_plainly
from core.backups.shelf import FULL, KINDS, Shelf
from core.backups.taking import take_backup
from core.operations import measurements


class Command(BaseCommand):
    help = (
        "Take an encrypted backup with control totals. full and incremental copy the cluster and "
        "allow recovery to any instant; logical dumps the database and fits other servers."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", choices=KINDS, default=FULL)
        parser.add_argument("--label", default="", help="What it is for, such as a release.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with (
            told_plainly(),
            tqdm(unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar,
        ):
            manifest = take_backup(
                kind=options["kind"],
                label=options["label"],
                watch=lambda so_far: bar.update(so_far - bar.n),
            )
        measurements.note(measurements.BACKUP, manifest.size_bytes, detail=manifest.id)
        self.stdout.write(manifest.id)
        with told_plainly():
            bucket.send(Shelf())
