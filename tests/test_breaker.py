"""The breaker over eight processes with a driven clock, Valkey being away."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.urls import reverse

from core import breaker, clock
from core.models import AuditEvent, CircuitBreaker
from core.principals import SYSTEM
from tests.database import url_of
from tests.people import Person

PROCESSES = 8


class Driver:
    """One process that asks at the times it is told."""

    def __init__(self, database: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.drivers.breaker"],
            cwd=Path(__file__).parent.parent,
            env={
                **os.environ,
                "DATABASE_URL": url_of("app", database),
                "DATABASE_OWNER_URL": url_of("owner", database),
                "REDIS_URL": "unix:///no/such/valkey.sock",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, verb: str, at_s: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{verb} {at_s}\n")
        self.process.stdin.flush()

    def end(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def __call__(self, verb: str, at_s: float) -> str:
        self.begin(verb, at_s)
        return self.end()


@pytest.fixture
def drivers(committed_db):
    """Eight processes on one database."""
    made = [Driver(committed_db) for _ in range(PROCESSES)]
    yield made
    for driver in made:
        driver.process.communicate()


def _all(drivers: list[Driver], verb: str, at_s: float) -> Counter[str]:
    """Ask all of them at once."""
    for driver in drivers:
        driver.begin(verb, at_s)
    return Counter(driver.end() for driver in drivers)


def test_eight_processes_agree(drivers):
    for failure in range(breaker.FAILURES_MAX - 1):
        assert drivers[failure]("ask", failure) == "yes"
        drivers[failure]("fail", failure)
    assert _all(drivers, "ask", 9) == {"yes": PROCESSES}, "four failures do not open it"
    drivers[7]("fail", 10)
    assert _all(drivers, "ask", 10) == {"no": PROCESSES}, "the fifth does"
    assert _all(drivers, "ask", 69.9) == {"no": PROCESSES}, "for sixty seconds"

    assert _all(drivers, "ask", 70) == {"probe": 1, "no": PROCESSES - 1}
    assert _all(drivers, "ask", 99.9) == {"no": PROCESSES}, "while somebody tries it out"
    assert _all(drivers, "ask", 100) == {"probe": 1, "no": PROCESSES - 1}, "whose lease ended"
    (prober,) = [driver for driver in drivers if driver("fail", 101)][:1]
    assert _all([prober], "ask", 160.9) == {"no": 1}, "a failed try opens it again"

    words = {driver: driver("ask", 170) for driver in drivers}
    (prober,) = [driver for driver, word in words.items() if word == "probe"]
    prober("ok", 171)
    assert _all(drivers, "ask", 171) == {"yes": PROCESSES}
    row = CircuitBreaker.objects.get()
    assert (row.failures, row.open_until, row.probe_until) == (0, None, None)


def test_late_success_of_an_old_call_does_not_close_it(drivers):
    old, failing = drivers[0], drivers[1]
    assert old("ask", 0) == "yes"
    for second in range(breaker.FAILURES_MAX):
        failing("fail", second)
    old("ok", 6)
    assert failing("ask", 6) == "no"


@pytest.mark.django_db
def test_success_between_failures_starts_the_count_again():
    permit = breaker.Permit("https://example.org:443")
    for _ in range(3):
        for _ in range(breaker.FAILURES_MAX - 1):
            breaker.failed(permit, fault="down")
        breaker.succeeded(permit)
    assert breaker.ask(permit.destination).probe_until is None


@pytest.mark.django_db
def test_each_turn_it_takes_is_in_the_log(monkeypatch, caplog):
    caplog.set_level("INFO")
    start, permit = clock.now(), breaker.Permit("https://example.org:443")
    for _ in range(breaker.FAILURES_MAX):
        breaker.failed(permit, fault="down")
    for minutes, report in ((2, breaker.failed), (4, breaker.succeeded)):
        monkeypatch.setattr(clock, "now", lambda: start + dt.timedelta(minutes=minutes))  # noqa: B023
        probe = breaker.ask(permit.destination)
        report(probe, **({"fault": "still down"} if report is breaker.failed else {}))
    turns = [record.msg for record in caplog.records if "breaker" in record.msg["event"]]
    assert [(turn["event"], turn.get("fault")) for turn in turns] == [
        ("breaker_opened", "down"),
        ("breaker_opened", "still down"),
        ("breaker_closed", None),
    ]
    assert {turn["destination"] for turn in turns} == {permit.destination}


@pytest.mark.django_db
def test_reset_by_hand_closes_it_and_is_audited():
    permit = breaker.Permit("https://example.org:443")
    for _ in range(breaker.FAILURES_MAX):
        breaker.failed(permit, fault="down")
    with pytest.raises(breaker.Resting):
        breaker.ask(permit.destination)
    breaker.reset(destination=permit.destination, actor=SYSTEM, reason="they say it is mended")
    breaker.ask(permit.destination)
    event = AuditEvent.objects.get(action="breaker.reset")
    assert event.data == {"reason": "they say it is mended"}


@pytest.mark.django_db
def test_staff_close_it_with_a_reason(client, grace: Person):
    destination = "https://example.org:443"
    for _ in range(breaker.FAILURES_MAX):
        breaker.failed(breaker.Permit(destination), fault="No answer in time.")
    client.force_login(grace.user)
    page = reverse("admin:core_circuitbreaker_changelist")
    assert "No answer in time." in client.get(page).content.decode()
    press = {"action": "close", "_selected_action": destination}

    asked = client.post(page, press)
    assert "start again" in asked.content.decode()
    short = client.post(page, {**press, "confirmed": "yes", "reason": "so"})
    assert "at least 10 characters" in short.content.decode()
    with pytest.raises(breaker.Resting):
        breaker.ask(destination)

    client.post(page, {**press, "confirmed": "yes", "reason": "they say it is mended"})
    breaker.ask(destination)
    event = AuditEvent.objects.get(action="breaker.reset")
    assert (event.actor_id, event.data["reason"]) == (grace.user.pk, "they say it is mended")
