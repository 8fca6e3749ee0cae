"""Who and what the benchmarks work with: people with money, a member of staff who may move it.

Run beside a service: ``python -m benchmarks.world`` prints it as one JSON object.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys

import django

django.setup()

from accounts.services import create_api_key  # noqa: E402 - Django must be set up first
from core import clock  # noqa: E402 - Django must be set up first
from sessions_app.constants import SESSIONS_INTROSPECT  # noqa: E402 - as above
from sessions_app.services import start_session  # noqa: E402 - as above
from tests.people import PASSWORD, make_person  # noqa: E402 - as above
from transactions import services  # noqa: E402 - as above
from transactions.models import Balance, LedgerAccount  # noqa: E402 - as above

LEDGER = "generated"
ACCOUNTS = 10_000
RICH = 10**12


def main() -> None:
    """Make it all."""
    today = dt.datetime.combine(clock.now().date(), dt.time(), dt.UTC)
    services.generate_history(
        wanted=services.Wanted(
            users=ACCOUNTS,
            span=services.Span(today, days=20, transactions=ACCOUNTS),
            seed=1,
            ledger_code=LEDGER,
        )
    )
    # Nobody's money may run out in the middle: floors are what makes accounts rich here.
    Balance.objects.filter(account__code="purse").update(floor=-RICH)
    accounts = LedgerAccount.objects.filter(code="purse").order_by("pk")
    grace = make_person("grace@example.org", is_superuser=True)
    make_person("ada@example.org")
    fresh = dataclasses.replace(grace.principal, authenticated_at=clock.now())
    _, key = create_api_key(name="benchmark", scope_names=[SESSIONS_INTROSPECT], actor=fresh)
    json.dump(
        {
            "token": start_session(user=grace.user)[1],
            "key": key,
            "staff": str(grace.user.pk),
            "password": PASSWORD,
            "ledger": str(accounts[0].ledger_id),
            "accounts": [str(pk) for pk in accounts.values_list("pk", flat=True)],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
