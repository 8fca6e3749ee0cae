"""``manage.py config_show``: the configuration of now, where each value comes from, no secret."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

HIDDEN: Final = "***"


class Command(BaseCommand):
    help = (
        "Show every setting, its value and its source. Secrets are never shown, only whether they "
        "are set. A process that runs since before a change shows the new value here: send it "
        "SIGHUP. What is changed at run time is in settings_show."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        shown = list(_shown())
        if options["json"]:
            self.stdout.write(json.dumps({each.pop("name"): each for each in shown}, indent=2))
            return
        for each in shown:
            self.stdout.write(f"{each['name']} = {each['value']}  ({each['source']})")


def _shown() -> Iterator[dict[str, Any]]:
    for field in dataclasses.fields(settings.ENV):
        value = getattr(settings.ENV, field.name)
        name = field.name.upper()
        yield {
            "name": name,
            "value": (HIDDEN if value else "") if field.metadata["secret"] else value,
            "source": settings.SOURCE_OF(name),
        }
