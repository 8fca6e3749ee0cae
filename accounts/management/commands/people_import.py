"""``manage.py people_import``: bring people in from a file of another system."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from accounts import constants, services
from core.errors import DomainError
from core.principals import SYSTEM

COLUMNS: Final = ("email", "name", "email_verified", "password_hash")
_TRUTH: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Command(BaseCommand):
    help = (
        "Import people from CSV (with a header) or JSON Lines: email, name, email_verified, "
        "password_hash. Prints what became of each row as CSV. Running it again changes nothing."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Only say what would happen.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            people = [_person(number, row) for number, row in enumerate(_rows(options["file"]), 1)]
            outcomes: Iterable[services.Outcome] = (
                services.check_people(people=people, actor=SYSTEM)
                if options["dry_run"]
                else services.import_people_now(people=people, actor=SYSTEM)
            )
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as exc:
            raise CommandError(f"{options['file']} cannot be read: {exc}") from exc
        table = csv.writer(self.stdout)
        table.writerow(["row", "outcome", "person", "code", "detail"])
        counts: Counter[str] = Counter()
        for row in outcomes:
            counts[row.outcome] += 1
            table.writerow([row.number, row.outcome, row.person_id or "", row.code, row.detail])
        words = ", ".join(f"{counts[name]} {name}" for name in constants.IMPORT_OUTCOMES)
        self.stderr.write(words + (" (nothing was written)" if options["dry_run"] else ""))


def _rows(file: Path) -> list[Any]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        if file.suffix == ".csv":
            return list(csv.DictReader(lines))
        return [json.loads(line) for line in lines if line.strip()]


def _person(number: int, row: Any) -> services.NewPerson:
    if not isinstance(row, dict) or not set(row) <= set(COLUMNS) or not row.get("email"):
        raise CommandError(f"Row {number}: needs email, and may have {', '.join(COLUMNS[1:])}.")
    verified = row.get("email_verified") or False
    if isinstance(verified, str):
        verified = _TRUTH.get(verified.strip().lower())
    texts = {name: row.get(name) or "" for name in ("email", "name", "password_hash")}
    if not isinstance(verified, bool) or not all(isinstance(text, str) for text in texts.values()):
        raise CommandError(f"Row {number}: email_verified is true or false, the rest is text.")
    return services.NewPerson(email_verified=verified, **texts)
