"""``manage.py dead_letters``: look at what could not be delivered, send it again, let it go."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.errors import DomainError
from core.principals import SYSTEM
from core.webhooks import dead_letters

SHOWN_MAX = 100


class Command(BaseCommand):
    help = "List, replay or discard events that no try could deliver."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="The latest hundred.")
        for name in ("replay", "discard"):
            one = actions.add_parser(name)
            one.add_argument("id", type=uuid.UUID, help="Id of the dead letter.")
            one.add_argument("--reason", required=True, help="Kept in the audit trail.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "list":
            for row in dead_letters.dead_letters(actor=SYSTEM).order_by("-id")[:SHOWN_MAX]:
                failed_at = row.last_failed_at.isoformat() if row.last_failed_at else ""
                self.stdout.write(
                    f"{row.pk}  {failed_at}  {row.topic}  {row.attempts} tries  {row.last_fault}"
                )
            return
        verb = {
            "replay": dead_letters.replay_dead_letter,
            "discard": dead_letters.discard_dead_letter,
        }[options["action"]]
        try:
            verb(delivery_id=options["id"], actor=SYSTEM, reason=options["reason"])
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write("Done.")
