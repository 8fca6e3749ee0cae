"""The profile of one request: for whom, with what, and what is not in it."""

from __future__ import annotations

import io
import re
import time
import tracemalloc
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from core import profiling
from core.models import AuditEvent
from sessions_app.services import authenticate, start_impersonation, start_session
from tests.people import Person

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def _by(person: Person, **headers: str) -> Client:
    _, token = start_session(user=person.user)
    return Client(headers={"Authorization": f"Bearer {token}", **headers})


def _pass_of(person: Person, *arguments: str) -> dict[str, str]:
    """Make one as an operator does."""
    said = io.StringIO()
    call_command("profile_pass", "--email", person.user.email, *arguments, stdout=said)
    return {profiling.HEADER: said.getvalue().strip()}


def test_staff_with_a_pass_get_the_profile_and_it_is_written_down(grace: Person):
    answer = _by(grace).get(ME, headers=_pass_of(grace))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert "cumulative" in text
    assert "authentication.py" in text
    assert grace.user.email not in text
    (told,) = AuditEvent.objects.filter(action="request.profile")
    assert (told.actor_id, told.data) == (grace.user.pk, {"route": "api/v1/me/"})
    assert AuditEvent.objects.filter(action="profile_pass.make", data={"minutes": 10}).exists()
    assert _by(grace).get(ME).json()["email"] == grace.user.email


def test_profile_of_memory_names_what_was_taken_and_no_value(grace: Person):
    text = _by(grace).get(ME, headers=_pass_of(grace, "--of", "memory")).content.decode()
    assert re.match(r"peak [\d,]+ bytes, held at the end [\d,]+ bytes\n", text)
    assert re.search(r"^ +[\d,]+ \w+\.py:\d+$", text, re.MULTILINE)
    assert "/" not in text
    assert grace.user.email not in text
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize(
    "path", [ME, f"/api/v1/files/{uuid.UUID(int=1)}/", "/api/v1/ledger-accounts/?format=csv"]
)
def test_staff_are_told_of_each_answer_how_long_it_took(grace: Person, path):
    told = re.fullmatch(
        r'total;dur=(\d+\.\d), database;dur=(\d+\.\d);desc="(\d+) queries"',
        _by(grace).get(path).headers.get("Server-Timing", ""),
    )
    assert told is not None
    total_ms, database_ms, queries = map(float, told.groups())
    assert total_ms >= database_ms > 0
    assert queries > 0


def test_nobody_else_is_told_how_long_it_took(ada: Person, grace: Person):
    acting_as_ada = start_impersonation(
        user_id=ada.user.pk,
        reason="Ticket 4711: a test",
        actor=authenticate(start_session(user=grace.user)[1]),
    )[1]
    for token in ("", acting_as_ada, start_session(user=ada.user)[1]):
        for path in (ME, "/api/v1/auth/csrf/", "/health/ready"):
            answer = Client().get(path, headers={"Authorization": f"Bearer {token}"})
            assert "Server-Timing" not in answer.headers, (token, path)


def test_nobody_else_gets_one(ada: Person, grace: Person):
    of_grace = _pass_of(grace)
    refused = _by(ada).get(ME, headers=of_grace)
    assert (refused.status_code, refused.json()["code"]) == (403, "AUTH_FORBIDDEN")
    for_ada = {profiling.HEADER: profiling.make_pass(user_id=ada.user.pk, minutes=5)}
    assert _by(ada).get(ME, headers=for_ada).status_code == 403
    assert Client().get(ME, headers=of_grace).status_code == 401
    assert Client().get("/api/v1/auth/csrf/", headers=of_grace).status_code == 403
    assert not AuditEvent.objects.filter(action="request.profile").exists()


def test_pass_is_for_reading_unforged_and_for_minutes(grace: Person, monkeypatch):
    good = _pass_of(grace, "--minutes", "5")[profiling.HEADER]
    by_grace = _by(grace)
    for forged in ("", "x", good[:-1], good + "x"):
        answer = by_grace.get(ME, headers={profiling.HEADER: forged})
        assert answer.json()["code"] == "VALIDATION_HEADER_INVALID", forged
    answer = by_grace.patch(
        ME, {"name": "G"}, content_type="application/json", headers={profiling.HEADER: good}
    )
    assert answer.json()["code"] == "VALIDATION_HEADER_INVALID"
    assert by_grace.get(ME).json()["name"] == grace.user.name
    later = time.time() + 301
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    answer = by_grace.get(ME, headers={profiling.HEADER: good})
    assert answer.json()["code"] == "VALIDATION_HEADER_INVALID"


def test_pass_is_made_for_staff_and_not_for_keeps(ada: Person, grace: Person):
    with pytest.raises(CommandError):
        _pass_of(ada)
    with pytest.raises(CommandError):
        _pass_of(grace, "--minutes", "61")
