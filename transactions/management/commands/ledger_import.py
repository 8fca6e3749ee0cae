"""``manage.py ledger_import FILE``: load a bank's transactions."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm
from typing_extensions import override

from core.errors import DomainError
from transactions import constants, selectors, services
from transactions.importing import COLUMNS, RowFault


class Command(BaseCommand):
    help = (
        "Load transactions from a CSV file (plain or .gz). Safe to run again: rows that are there "
        f"already are skipped. Columns: {', '.join(COLUMNS)}."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--ledger", default=constants.DEFAULT_LEDGER)
        parser.add_argument(
            "--email-domain",
            default="import.invalid",
            help="Owners become people named OWNER@DOMAIN who cannot log in.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        # What is loaded is not looked through for garbage again, whatever the rows make.
        gc.freeze()
        bar = tqdm(unit=" rows", desc="Posting", disable=None)
        try:
            report = services.import_file(
                path=options["file"],
                ledger=selectors.get_ledger(options["ledger"]),
                email_domain=options["email_domain"],
                progress=bar.update,
            )
        except RowFault as exc:
            raise CommandError(f"{options['file']}, {exc}. Mend it and run again.") from exc
        except (DomainError, OSError) as exc:
            raise CommandError(str(exc)) from exc
        finally:
            bar.close()
        self.stdout.write(
            f"{report.rows} rows: {report.posted} posted, {report.skipped} were there already."
        )
        if report.equal_balances != report.compared:
            raise CommandError(
                f"{report.compared - report.equal_balances} balances differ from the file's."
            )
