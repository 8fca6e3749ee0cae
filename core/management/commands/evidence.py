"""``manage.py evidence``: a bundle for whoever audits this service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import evidence


class Command(BaseCommand):
    help = (
        "Bundle what an auditor asks for first: controls and their tests, data map, roles, "
        "versions, states of golive, heads of the seals. No certificate is in it: none is held."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, type=Path, help="The ZIP file to write.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            hashes = evidence.write(options["to"])
        except OSError as exc:
            raise CommandError(f"The bundle cannot be written: {exc}.") from exc
        for name, digest in hashes.items():
            self.stdout.write(f"{digest}  {name}")
