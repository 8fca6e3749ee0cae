"""``manage.py signing_keys_rotate``: let the next key sign JWTs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.errors import DomainError
from sessions_app import services


class Command(BaseCommand):
    help = (
        "Sign JWTs with the next key from now on. Those signed with the last one are taken until "
        "they expire. Run it every few months, and at once when a key may be known to others."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--compromised",
            action="store_true",
            help="Refuse everything signed with the last key at once, here; other services follow "
            "when they next fetch the keys.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = services.rotate_signing_keys(is_compromised=options["compromised"])
        except DomainError as exc:
            raise CommandError(f"{exc.detail} {exc.extensions}") from exc
        self.stdout.write(f"JWTs are signed with {key.pk} now.")
