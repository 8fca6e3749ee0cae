"""``manage.py ledger_verify``: does the ledger hold?"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from transactions import verification


class Command(BaseCommand):
    help = "Check every invariant of the ledger over all that is stored; exit 1 on any fault."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        findings, totals = verification.verify(), verification.totals()
        faults = sum(finding.faults for finding in findings)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(findings, totals)))
        else:
            self._print(findings, totals)
        if faults:
            raise CommandError(f"The ledger does not hold: {faults} faults.")

    def _print(self, findings: list[verification.Finding], totals: dict[str, int]) -> None:
        for finding in findings:
            verdict = "ok" if not finding.faults else f"{finding.faults} FAULTS"
            self.stdout.write(f"{finding.check.name:<16}{verdict:<12}{finding.check.about}")
            for what, detail in finding.examples:
                self.stdout.write(f"    {what}: {detail}")
        counted = ", ".join(f"{number:,} {name}" for name, number in totals.items())
        self.stdout.write(f"Looked at {counted}.")


def _as_json(findings: list[verification.Finding], totals: dict[str, int]) -> dict[str, Any]:
    return {
        "clean": not any(finding.faults for finding in findings),
        **totals,
        "checks": {
            finding.check.name: {
                "faults": finding.faults,
                "examples": [f"{what}: {detail}" for what, detail in finding.examples],
            }
            for finding in findings
        },
    }
