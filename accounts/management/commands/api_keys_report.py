"""``manage.py api_keys_report``: which keys should have been rotated by now."""

from __future__ import annotations

import csv
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from accounts import selectors
from core import clock


class Command(BaseCommand):
    help = "List working API keys past their maximum age as CSV, oldest first."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than",
            type=int,
            metavar="DAYS",
            default=settings.ENV.api_key_max_age_days,
            help="Age in days; default: API_KEY_MAX_AGE_DAYS.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        table = csv.writer(self.stdout)
        table.writerow(["begins_with", "owner", "name", "made", "last_used", "ends"])
        for key in selectors.aged_api_keys(older_than_days=options["older_than"]):
            moments = (key.created_at, key.last_used_at, key.expires_at)
            table.writerow(
                [
                    key.begins_with,
                    key.user.email,
                    key.name,
                    *(clock.as_rfc3339(moment) if moment else "never" for moment in moments),
                ]
            )
