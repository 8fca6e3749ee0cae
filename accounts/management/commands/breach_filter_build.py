"""``manage.py breach_filter_build``: make a filter of breached passwords from a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm
from typing_extensions import override

from accounts import breached
from core.bloom import BloomFilter


class Command(BaseCommand):
    help = (
        "Make the file that BREACH_FILTER_FILE names from a list of breached passwords: one "
        "password or one SHA-1 a line, as in the files of Have I Been Pwned. 1.8 MB a million."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The list.")
        parser.add_argument("output", type=Path, help="The filter to write.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        source, output = options["file"], options["output"]
        try:
            count = sum(1 for _ in breached.digests_in(source))
            digests = tqdm(
                breached.digests_in(source), total=count, unit=" passwords", disable=None
            )
            BloomFilter.write(output, digests, count=count)
        except OSError as exc:
            raise CommandError(f"{exc.filename}: {exc.strerror}") from exc
        size_mb = output.stat().st_size / 1_000_000
        self.stdout.write(f"{count:,} passwords in {output} ({size_mb:.1f} MB).")
