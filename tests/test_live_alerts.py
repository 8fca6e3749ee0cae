"""Five faults, each raised for real: Prometheus sees it, Alertmanager tells a receiver.

And what people look at: every query of the shipped dashboards has an answer.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.core.management import call_command

from tests.database import url_of
from tests.http import Client, opened, posting, registered
from tests.monitoring import DEPLOY, WINDOW, shipped_rules
from tests.waiting import until
from tests.watched import Watched, in_parallel

pytestmark = pytest.mark.xdist_group("observed")

# What jobs note each hour, and money for whoever has the account.
NOTED = """
from uuid import UUID
from sessions_app import services as sessions
from transactions import selectors, services
from transactions.tests.money import move, post
services.note_faults()
sessions.note_counts()
main, usd = selectors.get_ledger("main"), selectors.get_asset("USD")
world = services.ensure_house_account(ledger=main, code="world", asset=usd)
post(move(world, UUID("{purse}"), 1))
"""


def _queries() -> list[tuple[str, str]]:
    found = []
    for path in sorted((DEPLOY / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            found += [(panel["title"], target["expr"]) for target in panel["targets"]]
    return found


def test_every_query_of_the_dashboards_answers(watched):
    ada = registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org")
    Client(watched.service.url).call("GET", "/api/v1/me/")
    purse, target = opened(ada, "purse"), opened(ada, "target")
    watched.service.command("shell", "-v", "0", "-c", NOTED.format(purse=purse))
    assert ada.post_transaction(posting(purse, target, 1))[0] == 201
    queries = _queries()
    assert len(queries) > 30

    def without_answer() -> list[tuple[str, str]]:
        ada.call("GET", "/api/v1/me/")
        return [
            (title, query)
            for title, query in queries
            if not watched.prometheus.ask(query.replace("$__rate_interval", WINDOW))
        ]

    last: list[list[tuple[str, str]]] = []

    def all_answer() -> bool:
        last.append(without_answer())
        return not last[-1]

    with contextlib.suppress(AssertionError):
        until(all_answer)
    assert last[-1] == []


@contextlib.contextmanager
def _raising(watched: Watched, *alerts: str) -> Iterator[Callable[[], bool]]:
    """What is done in this block, and only that, raises these alerts; yields: have they come?"""
    names = "|".join(alerts)
    firing = f'ALERTS{{alertname=~"{names}",alertstate="firing"}}'
    until(lambda: watched.prometheus.ask("strongroom:http_requests:rate5m"))
    until(lambda: not watched.prometheus.ask(firing))  # what an earlier test did is over
    since = len(watched.sink.seen)

    def have_come() -> bool:
        return set(alerts) <= watched.told(since)

    yield have_come
    until(have_come)


def test_report_of_the_objectives_reads_a_real_prometheus(watched):
    until(lambda: watched.prometheus.ask("increase(strongroom_http_requests_total[1d]) > 0"))
    out = io.StringIO()
    call_command("slo_report", "--json", "--prometheus", watched.prometheus.url, stdout=out)
    report = json.loads(out.getvalue())
    assert report["requests"] > 0
    assert 0 <= report["availability"] <= 1
    assert report["p95_ms"] > 0
    assert report["p95_read_ms"] > 0
    assert report["p95_database_ms"] > 0


def test_dead_letter_raises_an_alert(watched):
    with _raising(watched, "DeadLetters"), watched.owner() as connection:
        connection.execute(
            "INSERT INTO webhook_delivery (id, user_id, endpoint_id, event_id, topic, state, "
            "attempts, next_attempt_at, last_fault, attempts_log) VALUES (gen_random_uuid(), "
            "gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'x', 'dead', 5, now(), '', "
            "'[]')"
        )


def test_errors_and_slowness_raise_alerts(watched):
    """Somebody holds the table that everybody wants: each request waits, then fails."""
    clients = [registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org") for _ in range(4)]
    raising = _raising(watched, "ErrorRateHigh", "LatencyHigh")
    with raising as have_come, watched.owner() as connection:
        connection.execute("LOCK TABLE ledger_account IN ACCESS EXCLUSIVE MODE")

        def ask(number: int) -> None:
            for _ in range(30):
                if have_come():
                    return
                clients[number].call("GET", "/api/v1/ledger-accounts/")

        in_parallel(len(clients), ask)


def test_lost_database_raises_an_alert(watched):
    name = watched.service.database
    with psycopg.connect(url_of("superuser", "postgres"), autocommit=True) as connection:
        try:
            with _raising(watched, "DatabaseDown"):
                connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    until(lambda: Client(watched.service.url).call("GET", "/health/ready")[0] == 200)


def test_lost_valkey_raises_an_alert_and_everybody_is_served(watched):
    ada = registered(watched.service, f"{uuid.uuid4().hex[:8]}@example.org")
    try:
        with _raising(watched, "CacheDown"):
            watched.valkey.stop()
            assert ada.call("GET", "/api/v1/me/")[0] == 200
    finally:
        watched.valkey.start()


def test_what_others_measure_is_there_under_the_names_of_the_rules(watched):
    sound = 'count({__name__=~"probe_success|redis_up|pg_up"} == 1)'
    until(lambda: [row["value"][1] for row in watched.prometheus.ask(sound)] == ["3"])
    words = " ".join(rule["expr"] for rule in shipped_rules())
    named = set(re.findall(r"\b(?:pg|node|probe|redis)_\w+", words))
    assert len(named) > 4
    # Exporters know it from 0.13 on, later than Debian's.
    absent = {"pg_replication_lag_seconds"}
    assert absent < named
    until(lambda: {name for name in named if not watched.prometheus.ask(name)} == absent)


def test_nothing_is_alarming_about_a_service_that_is_well(watched):
    """What nobody broke raises nothing: no number reads as a fault before it is measured."""
    until(lambda: watched.prometheus.ask('up{job="strongroom-worker"} == 1'))
    names = "DatabaseDown|CacheDown|PartitionsRunOut|WorkerDown|ServiceDown"
    until(lambda: not watched.prometheus.ask(f'ALERTS{{alertname=~"{names}"}}'))
