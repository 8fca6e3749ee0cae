"""One process that posts for ever and tells of each posting once it is committed.

Its references begin with the first argument. Prints ``REFERENCE SECONDS`` with the server's clock
after the commit.
"""

from __future__ import annotations

import itertools
import sys

import django

django.setup()

from django.db import connection  # noqa: E402 - the settings come first

from core import ids  # noqa: E402 - as above
from core.principals import SYSTEM  # noqa: E402 - as above
from tests.people import make_person  # noqa: E402 - as above
from transactions.tests.money import move, open_account, post  # noqa: E402 - as above


def main() -> None:
    ada = make_person(f"{ids.uuid7()}@example.org").principal
    a, b = open_account(ada, balance=10_000_000), open_account(ada)
    for number in itertools.count():
        reference = f"{sys.argv[1]}-{number}"
        post(move(a, b, 1, reference=reference), actor=SYSTEM)
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            print(reference, cursor.fetchone()[0], flush=True)


main()
