"""``manage.py profile_pass``: let one member of staff see where time and memory of a request go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from accounts.models import User
from core import audit, profiling
from core.principals import SYSTEM


class Command(BaseCommand):
    help = (
        f"Make a pass for the header {profiling.HEADER}. A GET that its holder sends with it is "
        "answered with the profile of the request, and written to the audit log."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True, help="Whose requests may be profiled.")
        parser.add_argument("--minutes", type=int, default=10, help="How long, at most 60.")
        parser.add_argument(
            "--of", choices=["time", "memory"], default="time", help="What is profiled."
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 < options["minutes"] <= profiling.PASS_MINUTES_MAX:
            raise CommandError(f"--minutes is from 1 to {profiling.PASS_MINUTES_MAX}.")
        address = options["email"].casefold()
        user = User.objects.filter(email_normalized=address, is_staff=True, is_active=True).first()
        if user is None:
            raise CommandError("No active member of staff has this address.")
        audit.record(
            action="profile_pass.make",
            actor=SYSTEM,
            user_id=user.pk,
            target_type="user",
            target_id=user.pk,
            minutes=options["minutes"],
        )
        self.stdout.write(
            profiling.make_pass(user_id=user.pk, minutes=options["minutes"], of=options["of"])
        )
