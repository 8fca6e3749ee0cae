"""``manage.py erasures_replay``: erase again whom a restored backup brought back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from core.privacy import erasure
from core.privacy.errors import JournalBroken


class Command(BaseCommand):
    help = "Erase everybody the erasure journal names and this database still knows."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            again = erasure.replay_erasures()
        except JournalBroken as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(f"{len(again)} people erased again.")
