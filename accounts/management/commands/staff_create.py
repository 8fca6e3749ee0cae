"""``manage.py staff_create``: let somebody into the admin."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from accounts import constants, selectors, services
from core.errors import DomainError


class Command(BaseCommand):
    help = "Create a member of staff and print the one-time password, which is kept nowhere."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="E-mail address to log in with.")
        parser.add_argument(
            "--role", choices=list(constants.ROLE_PERMISSIONS), default=constants.SUPPORT
        )
        parser.add_argument(
            "--if-none",
            action="store_true",
            help="Only when there is no staff yet; create an all-powerful first one.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        first = options["if_none"]
        if first and selectors.has_staff():
            return
        try:
            password = services.create_staff_user(
                email=options["email"],
                role=constants.ADMIN if first else options["role"],
                is_superuser=first,
            )
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        self.stdout.write(f"Staff login: {options['email']}")
        self.stdout.write(f"One-time password (shown only now): {password}")
