"""``manage.py golive``: what is verified, what is vouched for, what is not covered."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import golive
from core.errors import DomainError


class Command(BaseCommand):
    help = "List every item before going live in one of three states; fails while one is open."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run", action="store_true", help="Run every check first.")
        parser.add_argument("--json", action="store_true", help="For programs.")
        parser.add_argument("--attest", metavar="ITEM", help="Vouch for an item.")
        parser.add_argument("--by", default="", help="Who vouches for it, by name.")
        parser.add_argument("--days", type=int, default=90, help="For how many days it counts.")
        parser.add_argument("--note", default="", help="Where the proof is.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["attest"]:
            try:
                golive.attest(
                    name=options["attest"],
                    by=options["by"],
                    days=options["days"],
                    note=options["note"],
                )
            except DomainError as exc:
                raise CommandError(exc.detail) from exc
        if options["run"]:
            golive.run_checks()
        states = golive.states()
        open_items = [state for state in states if state.state == golive.NOT_COVERED]
        if options["json"]:
            facts = [
                {"item": state.item.name, "state": state.state, "detail": state.detail}
                for state in states
            ]
            self.stdout.write(json.dumps(facts))
        else:
            for state in states:
                self.stdout.write(
                    f"{state.state}: {state.item.name} ({state.item.about}): {state.detail}"
                )
        if open_items:
            raise CommandError(f"{len(open_items)} of {len(states)} items are not covered.")
