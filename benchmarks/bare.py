"""Posting bulks from a bare psycopg client: what the database alone can do. Prints a rate."""

from __future__ import annotations

import json
import random
import sys
import time
import uuid

import django
import psycopg

django.setup()

from django.conf import settings  # noqa: E402 - Django must be set up first

from core import ids  # noqa: E402 - as above
from transactions.services.posting import FUNCTION  # noqa: E402 - as above


def main(seconds: float, bulk: int) -> None:
    """Post for so long."""
    facts = json.load(sys.stdin)
    posted = 0
    with psycopg.connect(settings.ENV.database_url, autocommit=True) as connection:
        cursor = psycopg.RawCursor(connection)
        pairs = [random.sample(facts["accounts"], 2) for _ in range(bulk)]
        sources, destinations = zip(*pairs, strict=True)
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            cursor.execute(
                FUNCTION,
                [
                    *(facts["ledger"], "posting", ids.uuid7s(bulk), None, None, None, None),
                    *(list(range(1, bulk + 1)), list(sources), list(destinations)),
                    *([1] * bulk, ["USD"] * bulk, [], [], None, facts["staff"], "staff", None),
                    *("benchmark", "127.0.0.1", ids.uuid7(), facts["staff"], uuid.uuid4(), b"0"),
                    None,
                ],
                prepare=True,
            )
            posted += len(cursor.fetchall()) // 2
    sys.stdout.write(str(posted / (time.monotonic() - started)))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
