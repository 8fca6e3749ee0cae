"""``manage.py docs_generate``: write the generated documents, or check that they are current."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from typing_extensions import override

from core import documents


class Command(BaseCommand):
    help = "Write docs/ from the code: OpenAPI, configuration, errors, tables."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Change nothing; fail if stale.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        made = {name: make() for name, make in documents.DOCUMENTS.items()}
        stale = []
        for name, text in made.items():
            path = settings.BASE_DIR / name
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            stale.append(name)
            if not options["check"]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        if GENERATOR_STATS:
            GENERATOR_STATS.emit_summary()
            raise CommandError("The OpenAPI document has warnings; they are above.")
        for version in ("v1", "v2"):
            document = documents.parsed(made[f"docs/openapi-{version}.yaml"])
            validate_schema(document)  # type: ignore[no-untyped-call]  # untyped library
        if options["check"] and stale:
            raise CommandError(f"Run make docs, these are stale: {', '.join(stale)}.")
        self.stdout.write(f"{len(documents.DOCUMENTS)} documents are current.")
