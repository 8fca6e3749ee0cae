"""``manage.py demo_load``: real bank transactions, and a comparison with the bank's balances."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm
from typing_extensions import override

from core import clock
from transactions import constants, importing, selectors, services

FILE = Path("demo") / "czech-bank-1993.csv.gz"
EMAIL_DOMAIN = "demo.example"


class Command(BaseCommand):
    help = "Load a year of a Czech bank and compare every balance with the bank's."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, default=settings.BASE_DIR / FILE)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        # What is loaded is not looked through for garbage again, whatever the rows make.
        gc.freeze()
        path, ledger = options["file"], selectors.get_ledger(constants.DEFAULT_LEDGER)
        started_ms = clock.monotonic_ms()
        with tqdm(unit=" rows", desc="Posting", disable=None) as bar:
            try:
                report = services.import_file(
                    path=path, ledger=ledger, email_domain=EMAIL_DOMAIN, progress=bar.update
                )
            except importing.RowFault as exc:
                raise CommandError(str(exc)) from exc
        took_s = (clock.monotonic_ms() - started_ms) / 1_000
        expected = {row.account: row.balance_after_minor for row in importing.rows(path)}
        actual = selectors.final_balances(ledger.pk, list(expected))
        equal = sum(actual.get(code) == balance for code, balance in expected.items())
        if report.posted == 0:
            self.stdout.write(f"All {report.skipped:,} rows are there already; nothing changed.")
        lines = [
            ("rows posted", f"{report.posted:,} of {report.rows:,}"),
            ("accounts", f"{report.accounts:,}"),
            ("seconds", f"{took_s:.1f}"),
            ("rows a second", f"{report.posted / took_s:,.0f}" if report.posted else "-"),
            ("running balances equal", f"{report.equal_balances:,} of {report.compared:,}"),
            ("final balances equal", f"{equal:,} of {len(expected):,}"),
            ("sum of final balances", f"{sum(actual.values()):,}"),
        ]
        for name, value in lines:
            self.stdout.write(f"{name:<24}{value:>20}")
        if report.equal_balances != report.compared or equal != len(expected):
            raise CommandError("The ledger and the bank disagree.")
