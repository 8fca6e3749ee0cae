"""``manage.py sessions_prune``: forget sessions that ended long ago."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from sessions_app import services


class Command(BaseCommand):
    help = (
        "Delete sessions that ended more than SESSION_RETENTION_DAYS ago. The worker does it every "
        "night; it may be stopped at any time and run again."
    )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{services.prune_sessions()} sessions were deleted.")
