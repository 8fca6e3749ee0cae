"""How long a jar of a thousand cookies takes to say what it sends.

``DJANGO_SETTINGS_MODULE=config.settings .venv/bin/python -m config.local exec --
.venv/bin/python -m benchmarks.cookies``, after ``make run`` has made the database. Nothing is
kept: all happens in a transaction that is undone.
"""

from __future__ import annotations

import statistics
import sys
import time

import django

django.setup()

from django.db import connection, transaction  # noqa: E402 - Django must be set up first
from django.test.utils import CaptureQueriesContext  # noqa: E402 - as above

from core.principals import SYSTEM  # noqa: E402 - as above
from sessions_app import services  # noqa: E402 - as above

SITES, EACH, ROUNDS = 20, 50, 300


def main() -> None:
    """Fill a jar, ask it for headers, print the times."""
    with transaction.atomic():
        jar = services.create_jar(label="benchmark", actor=SYSTEM)
        for site in range(SITES):
            services.store_cookies(
                jar_id=jar.pk,
                lines=[f"c{number}={'v' * 64}; Path=/" for number in range(EACH)],
                exchange=services.exchange_at(url=f"https://s{site}.example.org/"),
                actor=SYSTEM,
            )
        exchange = services.exchange_at(url="https://s7.example.org/page")
        times_ms = []
        with CaptureQueriesContext(connection) as queries:
            header = services.cookie_header(jar_id=jar.pk, exchange=exchange, actor=SYSTEM)
        for _ in range(ROUNDS):
            started = time.perf_counter()
            services.cookie_header(jar_id=jar.pk, exchange=exchange, actor=SYSTEM)
            times_ms.append((time.perf_counter() - started) * 1_000)
        transaction.set_rollback(True)
    cuts = statistics.quantiles(times_ms, n=100)
    sys.stdout.write(
        f"{SITES * EACH} cookies, {header.count(';') + 1} sent, {len(queries)} query, "
        f"p50 {cuts[49]:.2f} ms, p95 {cuts[94]:.2f} ms, p99 {cuts[98]:.2f} ms\n"
    )


if __name__ == "__main__":
    main()
