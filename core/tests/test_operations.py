"""The operations page and its numbers: counted over processes, right at the edges, for staff."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from core import breaker, clock, errors, ids, runtime_settings
from core.models import AuditEvent, CircuitBreaker, TrafficCount
from core.operations import charts, measurements, summary, tiles, traffic
from core.operations.summary import WINDOWS
from core.principals import SYSTEM
from tests.deliveries import make_delivery, make_endpoint
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 20, 12, 0, 30, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def counting_starts_anew():
    """What other tests counted is not ours."""
    traffic._counts.taken()


@pytest.fixture
def at(monkeypatch):
    """Set the clock."""
    return lambda moment: monkeypatch.setattr(clock, "now", lambda: moment)


def _count(number: int, *, status: int = 200, code: str = "", took_ms: float = 3) -> None:
    for _ in range(number):
        traffic.count(method="GET", route="x/", status=status, code=code, took_ms=took_ms)


def _of(window: str):
    return summary.summarize(window=WINDOWS[window], actor=SYSTEM)


def test_hour_reports_what_was_counted(at):
    at(NOON)
    _count(285)
    _count(15, status=503, code="DB_UNAVAILABLE", took_ms=1_500)
    traffic.write()
    found = _of("hour")
    assert (found["requests"], found["failures"], found["error_rate"]) == (300, 15, 0.05)
    assert found["p95_ms"] == 5
    assert found["error_codes"] == [{"code": "DB_UNAVAILABLE", "status": 503, "requests": 15}]
    (route,) = found["slowest_routes"]
    assert (route["route"], route["requests"], route["failures"]) == ("x/", 300, 15)


def test_p95_lies_within_its_class(at):
    at(NOON)
    _count(90)
    _count(10, took_ms=180)
    traffic.write()
    assert _of("hour")["p95_ms"] == 175


def test_day_goes_back_further_than_the_hour(at):
    for hours in (0, 2, 23, 25):
        at(NOON - dt.timedelta(hours=hours))
        _count(1)
    traffic.write()
    at(NOON)
    assert _of("hour")["requests"] == 1
    day = _of("day")
    assert (day["requests"], len(day["steps"])) == (3, 96)
    assert sum(step["requests"] for step in day["steps"]) == 3


def test_processes_add_up_and_old_minutes_go(at):
    at(NOON)
    for _ in range(3):
        _count(2)
        traffic.write()
    assert [row.requests for row in TrafficCount.objects.all()] == [6]
    assert traffic.forget(older_than=NOON + dt.timedelta(minutes=1)) == 1


def test_threads_lose_no_count(at):
    at(NOON)
    threads = [threading.Thread(target=_count, args=(500,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    traffic.write()
    assert _of("hour")["requests"] == 2_000


def test_number_of_kinds_is_bounded(at, monkeypatch):
    at(NOON)
    monkeypatch.setattr(traffic, "KINDS_MAX", 10)
    for number in range(100):
        traffic.count(method="GET", route=f"r{number}", status=200, code="", took_ms=1)
    traffic.write()
    assert TrafficCount.objects.count() == 11
    assert _of("hour")["requests"] == 100


def test_what_cannot_be_written_waits(at):
    at(NOON)
    _count(3)
    with connection.execute_wrapper(_fails):
        traffic.write()
    assert not TrafficCount.objects.exists()
    traffic.write()
    assert _of("hour")["requests"] == 3


def _fails(*_: object) -> None:
    raise OperationalError("gone")


def test_nothing_counted_is_no_division_by_zero():
    found = _of("hour")
    assert (found["requests"], found["error_rate"], found["p95_ms"]) == (0, 0, None)
    assert charts.requests_chart(found["steps"]).bars == []
    assert found["backup"] == {"measured_at": None, "value": None}


def test_answers_are_counted_by_route(ada: Person):
    for _ in range(3):
        Client().get(f"/api/v1/sessions/{ids.uuid7()}/")
    traffic.write()
    (route,) = _of("hour")["slowest_routes"]
    assert route["route"] == "api/v1/sessions/<uuid:session_id>/"
    assert route["requests"] == 3


def test_summary_is_for_those_who_may_see_it(ada, grace):
    with pytest.raises(errors.PermissionRefused):
        summary.summarize(window=WINDOWS["hour"], actor=ada.principal)
    assert summary.summarize(window=WINDOWS["hour"], actor=grace.principal)["requests"] == 0


def _staff(role: str) -> Client:
    client = Client()
    client.force_login(make_person(f"{role}@example.org", role=role).user)
    return client


def _tiles() -> dict[str, tuple[str, str]]:
    found = tiles.tiles(_of("hour"))
    # Django joins a number and its unit by a space that does not break.
    return {tile.label: (tile.value.replace("\xa0", " "), tile.state) for tile in found}


def test_what_is_read_first_says_how_bad_it_is(at):
    shown = _tiles()
    assert shown["Service"] == ("normal", "ok")
    assert shown["Ledger faults"] == ("not checked yet", "degraded")
    assert shown["Last backup"] == ("no backup known", "degraded")
    assert shown["Backup proved by a restore"] == ("never", "degraded")
    names = (measurements.LEDGER_FAULTS, measurements.BACKUP, measurements.BACKUP_VERIFIED)
    for name in names:
        measurements.note(name, 0)
    began = clock.now()
    at(began + dt.timedelta(hours=2))
    shown = _tiles()
    assert shown["Ledger faults"] == ("0", "ok")
    assert shown["Last backup"] == shown["Backup proved by a restore"] == ("2 hours ago", "ok")
    at(began + dt.timedelta(days=9))
    shown = _tiles()
    assert shown["Ledger faults"] == ("0, 1 week ago", "degraded")
    assert shown["Last backup"] == shown["Backup proved by a restore"] == ("1 week ago", "degraded")
    measurements.note(measurements.LEDGER_FAULTS, 3)
    runtime_settings.assume({"service_mode": "read_only"})
    shown = _tiles()
    assert shown["Ledger faults"] == ("3", "unavailable")
    assert shown["Service"] == ("read only", "degraded")


def test_page_shows_states_in_words():
    measurements.note(measurements.LEDGER_FAULTS, 0)
    page = _staff("admin").get(reverse("admin:core_operations"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "no backup known" in text
    assert "style=" not in text
    assert _staff("support").get(reverse("admin:core_operations")).status_code == 403
    assert _staff("operator").get(reverse("admin:core_operations") + "?window=x").status_code == 404


def test_buttons_of_the_page_do_what_the_commands_do(grace):
    for _ in range(breaker.FAILURES_MAX):
        breaker.failed(breaker.Permit("https://x.example:443"), fault="down")
    dead = make_delivery(make_endpoint(grace.user.pk), state="dead")
    client = Client()
    client.force_login(grace.user)
    text = client.get(reverse("admin:core_operations")).content.decode()
    confirmed = {"index": "0", "confirmed": "yes", "reason": "It is mended."}
    for model, action, key in (
        ("circuitbreaker", "close", "https://x.example:443"),
        ("webhookdelivery", "replay", str(dead.pk)),
    ):
        target = reverse(f"admin:core_{model}_changelist")
        assert f'action="{target}"' in text
        assert f'value="{key}"' in text
        assert f'name="action" value="{action}"' in text
        pressed = {"index": "0", "action": action, "_selected_action": key}
        assert "reason" in client.post(target, pressed).content.decode()
        client.post(target, pressed | confirmed)
    assert CircuitBreaker.objects.get().open_until is None
    dead.refresh_from_db()
    assert dead.state == "due"
    done = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"breaker.reset", "dead_letter.replay"} <= done
