"""``manage.py partitions_check``: are the month partitions as they should be?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from core import partitions
from core.models import MonthArchive


class Command(BaseCommand):
    help = "Say how far the month partitions reach and what is wrong with them; exit 1 on a fault."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{partitions.months_ahead('owner')} whole months ahead")
        archived = MonthArchive.objects.filter(restored_at=None).order_by("month", "id")
        for archive in archived:
            self.stdout.write(f"{archive.month:%Y-%m} is in {archive.folder}")
        faults = partitions.faults(archived={archive.month for archive in archived})
        for fault in faults:
            self.stdout.write(fault)
        if faults:
            raise CommandError(f"{len(faults)} faults.")
