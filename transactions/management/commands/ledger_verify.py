"""``manage.py ledger_verify``: does the ledger hold?"""

from __future__ import annotations

import dataclasses
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
        parser.add_argument(
            "--seals",
            action="store_true",
            help="Also hash every sealed transaction again and name what was altered.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        findings, totals = verification.verify(), verification.totals()
        seals = verification.verify_seals() if options["seals"] else None
        faults = sum(finding.faults for finding in findings) + len(seals.faults if seals else ())
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(findings, totals, seals), default=str))
        else:
            self._print(findings, totals)
            if seals is not None:
                self._print_seals(seals)
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

    def _print_seals(self, report: verification.SealReport) -> None:
        for fault in report.faults:
            self.stdout.write(f"seal {fault.seal}: {fault.transaction_id or '-'} {fault.what}")
        self.stdout.write(
            f"Hashed {report.transactions - report.archived:,} transactions of {report.seals:,} "
            f"seals again; {report.archived:,} are in the archive."
        )


def _as_json(
    findings: list[verification.Finding],
    totals: dict[str, int],
    seals: verification.SealReport | None,
) -> dict[str, Any]:
    sealed = {"seals": dataclasses.asdict(seals)} if seals is not None else {}
    return {
        "clean": not any(finding.faults for finding in findings) and not (seals and seals.faults),
        **sealed,
        **totals,
        "checks": {
            finding.check.name: {
                "faults": finding.faults,
                "examples": [f"{what}: {detail}" for what, detail in finding.examples],
            }
            for finding in findings
        },
    }
