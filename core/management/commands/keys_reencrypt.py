"""``manage.py keys_reencrypt``: move all encrypted values on to the first of ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from core import crypto, reencryption


class Command(BaseCommand):
    help = "Encrypt again what was written with an older key, in chunks; safe to stop and repeat."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for column in reencryption.sealed_columns():
            moved = reencryption.reencrypt(column)
            broken += len(moved.broken)
            self.stdout.write(f"{column.table}.{column.name}: {moved.count} moved")
            for row_id in moved.broken:
                self.stdout.write(f"    {row_id} does not open")
        if broken:
            raise CommandError(
                f"{broken} values do not open; keep the older keys and find out why."
            )
        self.stdout.write(f"Every value is under the key {crypto.current_key_id()}.")
