"""``manage.py backup_prune``: let old backups go."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core import clock
from core.backups import rotation
from core.backups.bucket import Bucket
from core.backups.commands import shelf_of, told_plainly
from core.backups.shelf import Shelf


class Command(BaseCommand):
    help = (
        "Keep the newest backup of so many days, weeks, months and years, the last proved one, and "
        "all that recovery within the window needs; remove the others."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        for field in dataclasses.fields(rotation.Policy):
            name = f"--{field.name.replace('_', '-')}"
            parser.add_argument(name, type=int, default=field.default)
        parser.add_argument("--dry-run", action="store_true", help="Only say what would go.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        names = [field.name for field in dataclasses.fields(rotation.Policy)]
        policy = rotation.Policy(**{name: options[name] for name in names})
        now = clock.now()
        with told_plainly():
            gone, segments = rotation.prune(
                Shelf(), policy=policy, now=now, dry_run=options["dry_run"]
            )
            if settings.ENV.backup_s3_bucket:
                with shelf_of(is_remote=True) as outline:
                    far = rotation.superfluous(outline, policy=policy, now=now)
                if not options["dry_run"]:
                    Bucket().remove(*far)
                gone, segments = sorted({*gone, *far[0]}), sorted({*segments, *far[1]})
        word = "would go" if options["dry_run"] else "gone"
        for backup_id in gone:
            self.stdout.write(f"{backup_id} {word}")
        self.stdout.write(f"{len(gone)} backups and {len(segments)} segments of the log {word}.")
