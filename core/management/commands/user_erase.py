"""``manage.py user_erase``: leave nothing of a person but what must be kept."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.errors import DomainError
from core.privacy import erasure


class Command(BaseCommand):
    help = "Erase a person at once and for good. There is no way back, not even by a restore."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("person", type=uuid.UUID, help="Id of the person.")
        parser.add_argument("--reason", required=True, help="Kept in the audit trail.")
        parser.add_argument(
            "--yes", action="store_true", required=True, help="You know that this is for good."
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            erasure.erase_user(user_id=options["person"], reason=options["reason"])
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write("Erased.")
