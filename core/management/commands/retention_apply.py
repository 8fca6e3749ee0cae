"""``manage.py retention_apply``: let go what is older than it may be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from core.privacy import exports, retention


class Command(BaseCommand):
    help = (
        "Delete what is older than its class is kept (docs/data-map.md); legal holds keep theirs."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what would go.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        is_dry_run = options["dry_run"]
        if not is_dry_run:
            exports.remove_expired()
        word = "would go" if is_dry_run else "went"
        for aged in retention.apply(is_dry_run=is_dry_run):
            held = f", {aged.held} kept by legal holds" if aged.held else ""
            self.stdout.write(
                f"{aged.table}: {aged.over} {word}, over before {aged.before:%Y-%m-%d %H:%M}{held}"
            )
