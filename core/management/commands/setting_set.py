"""``manage.py setting_set``: change a setting while everything runs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import runtime_settings
from core.errors import DomainError
from core.principals import SYSTEM


class Command(BaseCommand):
    help = (
        "Change a runtime setting; it holds on every process within ten seconds. "
        "`settings_show` lists them."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="Such as service_mode.")
        wanted = parser.add_mutually_exclusive_group(required=True)
        wanted.add_argument("value", nargs="?", help="What it is to be.")
        wanted.add_argument("--default", action="store_true", help="Give it its default back.")
        parser.add_argument("--reason", required=True, help="Kept in the audit trail.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        name, reason = options["name"], options["reason"]
        try:
            if options["default"]:
                runtime_settings.restore_default(name=name, actor=SYSTEM, reason=reason)
            else:
                runtime_settings.change_setting(
                    name=name, text=options["value"], actor=SYSTEM, reason=reason
                )
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write(f"{name} is {runtime_settings.named(name).value}.")
