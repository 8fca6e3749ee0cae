"""``manage.py user_export``: all we know of a person, in a ZIP."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.errors import DomainError
from core.privacy import exports


class Command(BaseCommand):
    help = (
        "Write everything that is a person's to a ZIP of JSON and CSV with a schema. The file is "
        "not sealed: give it to nobody else."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", type=uuid.UUID, help="Id of the person.")
        parser.add_argument("--reason", required=True, help="Kept in the audit trail.")
        parser.add_argument("--to", type=Path, required=True, help="File to write; must not exist.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows, size = exports.export_person(
                path=options["to"], user_id=options["person"], reason=options["reason"]
            )
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        except OSError as exc:
            raise CommandError(f"{options['to']} cannot be written: {exc.strerror}.") from exc
        self.stdout.write(f"{rows} rows, {size} bytes: {options['to']}")
