"""``manage.py mode_set``: begin or end maintenance, or let nothing be changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import modes
from core.errors import DomainError
from core.principals import SYSTEM


class Command(BaseCommand):
    help = (
        "normal; read_only refuses what changes anything; maintenance refuses all of the API. "
        "Both answer 503 with Retry-After; health and the admin stay. Holds within ten seconds."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("mode", choices=modes.MODES)
        parser.add_argument("--reason", required=True, help="Kept in the audit trail.")
        parser.add_argument("--message", default="", help="What callers are told.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            modes.change_mode(
                mode=options["mode"],
                message=options["message"],
                reason=options["reason"],
                actor=SYSTEM,
            )
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write(f"The service is in the mode {options['mode']} within ten seconds.")
