"""What hardly ever happens is found in the trail, and what happens every day is not."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from accounts.services import create_staff_user
from core import audit, clock, context
from core.context import Context
from core.operations import measurements
from core.principals import SYSTEM, Principal
from core.trail import unusual
from sessions_app.models import Session
from sessions_app.services import start_session
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(unusual, "PEOPLE_MIN", 3)


def _found() -> list[tuple[str, str]]:
    return [(finding.kind, finding.what) for finding in unusual.find()]


def _export(person: Person, actor: Principal) -> None:
    audit.record(
        action="account.export",
        actor=actor,
        user_id=person.user.pk,
        target_type="user",
        target_id=person.user.pk,
    )


@pytest.fixture
def people() -> list[Person]:
    return [make_person(f"{number}@example.org") for number in range(3)]


def test_everyday_deeds_are_not_unusual(people, grace: Person):
    for person in people:
        _export(person, person.principal)
        start_session(user=person.user)
    for person in people[:2]:
        _export(person, grace.principal)
    # As a job does, which deletes what is over.
    with context.entered(Context(request_id="job-1")):
        assert Session.objects.all().delete()[0] == 3
    create_staff_user(email="new@example.org", role="support")
    assert _found() == []


def test_superuser_is_found_however_it_was_made(ada: Person):
    create_staff_user(email="first@example.org", role="admin", is_superuser=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users SET is_superuser = true WHERE id = %s", [ada.user.pk])
        cursor.execute("UPDATE users SET name = 'Ada' WHERE id = %s", [ada.user.pk])
    first = User.objects.get(email="first@example.org")
    assert sorted(_found()) == sorted(
        ("superusers_made", str(person)) for person in (first.pk, ada.user.pk)
    )


def test_one_who_copies_many_is_found(people, grace: Person):
    for person in people:
        _export(person, person.principal)
        _export(person, grace.principal)
    (finding,) = unusual.find()
    assert (finding.kind, finding.what) == ("bulk_exports", "3 people")
    assert str(grace.user.pk) in finding.who


@pytest.mark.parametrize("kind", ["staff", "database"])
def test_one_who_deletes_rows_of_many_is_found(people, kind):
    for person in people:
        start_session(user=person.user)
    somebody = Principal(kind="staff", user_id=uuid.uuid4()) if kind == "staff" else None
    with context.entered(Context(request_id="x" if somebody else "", principal=somebody)):
        Session.objects.all().delete()
    (finding,) = unusual.find()
    assert (finding.kind, finding.what) == ("mass_deletes", "session of 3 people")
    assert finding.who.startswith(kind)


def test_hour_that_is_over_is_over(people, monkeypatch):
    began = clock.now()

    def wait(**time: int) -> None:
        monkeypatch.setattr(clock, "now", lambda: began + dt.timedelta(**time))

    for person in people:
        _export(person, SYSTEM)
    wait(minutes=59)
    unusual.note()
    assert measurements.latest()["bulk_exports"].value == 1
    wait(minutes=62)
    unusual.note()
    kept = measurements.latest()
    assert {name: kept[name].value for name in ("bulk_exports", "superusers_made")} == {
        "bulk_exports": 0,
        "superusers_made": 0,
    }
    assert kept["database_superusers"].value >= 1
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"1 findings\."):
        call_command("audit_unusual", "--hours", "2", "--json", stdout=out)
    assert [finding["kind"] for finding in json.loads(out.getvalue())] == ["bulk_exports"]
