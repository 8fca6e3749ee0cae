"""``manage.py snapshots_refresh``: bring the daily balances up to date."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from transactions import services


class Command(BaseCommand):
    help = "Bring the daily balances up to date, as the worker does every hour."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{services.refresh_snapshots():,} accounts had moved.")
