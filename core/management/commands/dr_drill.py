"""``manage.py dr_drill``: how much would be lost, and for how long would we be away?"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import clock
from core.backups import drills, wal
from core.backups.commands import told_plainly
from core.backups.shelf import LOGICAL, Shelf
from core.operations import measurements


class Command(BaseCommand):
    help = (
        "Restore the newest physical backup with all of the log into a scratch server and print "
        "what was reached (RPO) and how long it took (RTO) as JSON; exit 1 when over the goals."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rpo-s", type=float, default=300, help="Goal. Default: 300.")
        parser.add_argument("--rto-s", type=float, default=3600, help="Goal. Default: 3600.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        place, now = Shelf(), clock.now()
        with told_plainly():
            physical = [manifest for manifest in place.backups() if manifest.kind != LOGICAL]
            if not physical:
                raise CommandError("There is no physical backup to drill with.")
            manifest = place.get(physical[-1].id)
            newest = max(wal.newest_at(place), manifest.made_at)
            report = drills.drill(place, manifest)
        measurements.note(measurements.BACKUP_VERIFIED, manifest.size_bytes, detail=manifest.id)
        reached = {
            "rpo_s": round((now - newest) / dt.timedelta(seconds=1), 1),
            "rto_s": report["restore_s"],
        }
        missed = [name for name, seconds in reached.items() if seconds > options[name]]
        facts = {"id": manifest.id, **reached, "missed": missed, "checks": report["checks"]}
        self.stdout.write(json.dumps(facts))
        if missed:
            told = (f"{name} is {reached[name]:g}, not {options[name]:g}" for name in missed)
            raise CommandError(f"The goals are not met: {', '.join(told)}.")
