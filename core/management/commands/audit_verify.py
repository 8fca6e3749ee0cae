"""``manage.py audit_verify``: is the audit trail what it was?"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.trail import seals, triggers


class Command(BaseCommand):
    help = (
        "Check every seal, every sealed row, the file outside (AUDIT_CHECKPOINTS) and that every "
        "audited table has its triggers."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs.")
        parser.add_argument(
            "--restored",
            action="store_true",
            help="The database was just brought back: the file may know of later seals.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        report = seals.verify_trails(is_restored=options["restored"])
        missing = triggers.missing()
        if options["json"]:
            facts = {**dataclasses.asdict(report), "without_triggers": missing}
            self.stdout.write(json.dumps(facts, default=str))
        else:
            self.stdout.write(
                f"{report.seals} seals, {report.rows} rows, {report.archived} of them archived."
            )
            for fault in report.faults:
                self.stdout.write(
                    f"{fault.trail} seal {fault.seal} {fault.row or ''}: {fault.what}"
                )
            for name in missing:
                self.stdout.write(f"{name} is not audited.")
        if report.faults or missing:
            raise CommandError(f"{len(report.faults) + len(missing)} faults.")
