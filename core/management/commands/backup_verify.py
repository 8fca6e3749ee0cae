"""``manage.py backup_verify``: is a backup worth anything?"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import clock
from core.backups import drills
from core.backups.bucket import Bucket
from core.backups.commands import shelf_of, told_plainly
from core.operations import measurements


class Command(BaseCommand):
    help = (
        "Check the files of a backup; with --drill restore it into a scratch server and compare "
        "migrations, control totals, ledger, audit trail and seals. Exit 1 on any fault."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", nargs="?", default="latest", help="Default: the newest.")
        wanted = parser.add_mutually_exclusive_group()
        wanted.add_argument("--drill", action="store_true", help="Restore it, too.")
        wanted.add_argument("--remote", action="store_true", help="Read the one in the bucket.")
        parser.add_argument("--max-age-h", type=float, help="Fault: it is older than this.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with told_plainly(), shelf_of(is_remote=options["remote"]) as place:
            manifest = place.get(options["id"])
            if options["remote"]:
                for link in place.chain(manifest):
                    Bucket().require_files(link)
            else:
                drills.verify_files(place, manifest)
            report = drills.drill(place, manifest) if options["drill"] else {"checks": {}}
        if options["drill"]:
            size = manifest.size_bytes
            measurements.note(measurements.BACKUP_VERIFIED, size, detail=manifest.id)
        age_h = (clock.now() - manifest.made_at) / dt.timedelta(hours=1)
        facts = {"id": manifest.id, "age_h": round(age_h, 2), "files": len(manifest.files)}
        self.stdout.write(json.dumps(facts | report))
        if options["max_age_h"] is not None and age_h > options["max_age_h"]:
            raise CommandError(f"{manifest.id} is {age_h:.1f} hours old.")
