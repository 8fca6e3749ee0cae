"""``manage.py openapi_compare``: would the document of today break a client of the released one?"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core import compatibility, documents

VERSIONS: Final = ("v1", "v2")


class Command(BaseCommand):
    help = "Compare the OpenAPI documents with the released ones; fail if a client would break."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--release",
            action="store_true",
            help="Write today's documents as the released ones, if nothing breaks.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        breaking = []
        for version in VERSIONS:
            released = settings.BASE_DIR / "docs" / "released" / f"openapi-{version}.yaml"
            today = documents.openapi(version)
            if released.exists():
                before = documents.parsed(released.read_text(encoding="utf-8"))
                breaking += compatibility.breaking_changes(before, documents.parsed(today))
            if options["release"] and not breaking:
                released.parent.mkdir(exist_ok=True)
                released.write_text(today, encoding="utf-8")
        if breaking:
            raise CommandError(
                "Clients of the released API would break:\n  "
                + "\n  ".join(breaking)
                + "\ndocs/versioning.md says how to change it without."
            )
        self.stdout.write("No client of the released API would break.")
