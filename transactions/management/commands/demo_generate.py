"""``manage.py demo_generate``: as much made-up history as wanted."""

from __future__ import annotations

import datetime as dt
import gc
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm
from typing_extensions import override

from core import clock
from core.errors import DomainError
from transactions import selectors, services

FIRST_YEAR = 2000


class Command(BaseCommand):
    help = (
        "Write made-up people, holds and transactions into a ledger of their own: the same from "
        "the same seed, with every rule kept, many thousand transactions a second."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--users", type=int, default=1_000)
        parser.add_argument("--transactions", type=int, default=100_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--days", type=int, default=365, help="How long a time they span.")
        parser.add_argument(
            "--until",
            type=dt.date.fromisoformat,
            help="The day before which all of it happened; today by default.",
        )
        parser.add_argument("--ledger", default="generated", help="A new ledger's code.")
        parser.add_argument(
            "--force", action="store_true", help="Also in production and beside other money."
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        # What is loaded is not looked through for garbage again, whatever the rows make.
        gc.freeze()
        users, count = options["users"], options["transactions"]
        if min(users, count, options["days"]) < 1:
            raise CommandError("Ask for one user, one transaction, one day or more.")
        day = options["until"] or clock.now().date()
        midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        span = services.Span(midnight, options["days"], count)
        if span.starts_at().year < FIRST_YEAR or span.until > clock.now():
            raise CommandError(f"All of it has to lie between {FIRST_YEAR} and now.")
        if not options["force"]:
            _require_harmless()
        wanted = services.Wanted(
            users=users, span=span, seed=options["seed"], ledger_code=options["ledger"]
        )
        started_ms = clock.monotonic_ms()
        with tqdm(total=count, unit=" transactions", desc="Writing", disable=None) as bar:
            try:
                services.generate_history(wanted=wanted, progress=bar.update)
            except DomainError as exc:
                raise CommandError(str(exc)) from exc
        took_s = (clock.monotonic_ms() - started_ms) / 1_000
        self.stdout.write(
            f"{count:,} transactions of {users:,} people in {took_s:.1f} s "
            f"({count / took_s:,.0f} a second)."
        )


def _require_harmless() -> None:
    if settings.ENV.is_production_like:
        raise CommandError("This is production; --force puts made-up money beside the real.")
    if selectors.has_transactions():
        raise CommandError("There are transactions already; --force puts made-up ones beside them.")
