"""``manage.py mode_set``: begin or end maintenance, or let nothing be changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from typing_extensions import override

from core import modes, runtime_settings
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
        told = "" if options["mode"] == modes.NORMAL else options["message"]
        try:
            with transaction.atomic():
                for setting, text in ((modes.MESSAGE, told), (modes.MODE, options["mode"])):
                    runtime_settings.change_setting(
                        name=setting.name, text=text, actor=SYSTEM, reason=options["reason"]
                    )
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write(f"The service is in the mode {options['mode']} within ten seconds.")
