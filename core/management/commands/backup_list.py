"""``manage.py backup_list``: which backups there are."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core.backups.commands import shelf_of, told_plainly


class Command(BaseCommand):
    help = "List the backups, oldest first, and when a restore of each was last proved."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--remote", action="store_true", help="Those in the bucket.")
        parser.add_argument("--json", action="store_true", help="Print one JSON array.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with told_plainly(), shelf_of(is_remote=options["remote"]) as place:
            known = [(manifest, place.verified(manifest)) for manifest in place.backups()]
        if options["json"]:
            facts = [dataclasses.asdict(m) | {"verified": proof} for m, proof in known]
            self.stdout.write(json.dumps(facts, indent=2))
            return
        for manifest, proof in known:
            proved = f"proved {proof['at']}" if proof else "not proved"
            self.stdout.write(f"{manifest.id}  {manifest.size_bytes:>15,} bytes  {proved}")
        if not known:
            self.stdout.write("There is no backup.")
