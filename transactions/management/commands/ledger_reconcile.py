"""``manage.py ledger_reconcile FILE``: compare a bank's statement with an account."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from core.errors import DomainError
from core.principals import SYSTEM
from transactions import constants, selectors, services
from transactions.models import ReconciliationLine


class Command(BaseCommand):
    help = (
        "Compare a bank's CSV (date, amount_minor, reference, description) with the entries of a "
        "ledger account; exit 1 when something is unexpected or missing."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--account", type=uuid.UUID, required=True)
        parser.add_argument("--from", type=dt.date.fromisoformat, required=True, dest="first_day")
        parser.add_argument("--to", type=dt.date.fromisoformat, required=True, dest="last_day")
        parser.add_argument("--days-apart", type=int, default=constants.DAYS_APART_DEFAULT)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = services.reconcile(
                account=selectors.get_ledger_account(account_id=options["account"], actor=SYSTEM),
                text=options["file"].read_text(encoding="utf-8-sig"),
                first_day=options["first_day"],
                last_day=options["last_day"],
                days_apart_max=options["days_apart"],
                actor=SYSTEM,
            )
        except (DomainError, OSError, UnicodeDecodeError) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(
            f"{done.pk}: {done.matched:,} matched, {done.unexpected:,} unexpected, "
            f"{done.missing:,} missing"
        )
        lines = ReconciliationLine.objects.filter(reconciliation=done).order_by("id")
        for line in lines.exclude(state=constants.MATCHED):
            what = f"{line.reference} {line.description}".strip()
            self.stdout.write(f"{line.state:<12}{line.day}{line.amount:>20,}  {what}")
        if done.unexpected or done.missing:
            raise CommandError("The bank and the ledger disagree.")
