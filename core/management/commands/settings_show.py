"""``manage.py settings_show``: what can be changed while everything runs, and what holds now."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core import runtime_settings


class Command(BaseCommand):
    help = "Show every runtime setting: what holds now, its default, what it may be."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        known = runtime_settings.declared()
        if options["json"]:
            shown = {s.name: {"value": s.value, "default": s.default_value} for s in known}
            self.stdout.write(json.dumps(shown, indent=2))
            return
        for setting in known:
            mark = "" if setting.value == setting.default_value else "  (changed)"
            self.stdout.write(f"{setting.name} = {setting.value}{mark}")
            self.stdout.write(f"    {setting.about} May be: {setting.allowed}.")
