"""``manage.py service_key_create``: let a program in that belongs to nobody."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from accounts import constants, services
from core.errors import DomainError
from core.principals import SYSTEM


class Command(BaseCommand):
    help = "Create an API key of the house and print its text, which is kept nowhere."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="What the key is for.")
        parser.add_argument(
            "--scope", action="append", required=True, help="What it may do; may be repeated."
        )
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            help="An address or network it may be used from; may be repeated.",
        )
        ends = parser.add_mutually_exclusive_group()
        ends.add_argument("--days", type=int, default=constants.API_KEY_LIFETIME_DAYS_MAX)
        ends.add_argument("--never-ends", action="store_true")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key, text = services.create_service_key(
                name=options["name"],
                scope_names=options["scope"],
                networks=options["network"],
                lifetime_days=None if options["never_ends"] else options["days"],
                actor=SYSTEM,
            )
        except DomainError as exc:
            raise CommandError(f"{exc.detail} {exc.extensions.get('scopes', '')}".strip()) from exc
        self.stdout.write(f"Key {key.pk}, ends: {key.expires_at or 'never'}")
        self.stdout.write(f"Text (shown only now): {text}")
