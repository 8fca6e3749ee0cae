"""Old sessions are forgotten, a few at a time; living ones never."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from sessions_app import constants, services
from sessions_app.models import RefreshFamily, Session
from sessions_app.tasks import prune_sessions
from tests.people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]
DAY_S = 86_400


def test_ended_and_expired_sessions_go_with_their_families(
    ada: Person, held_clock, settings, monkeypatch
):
    monkeypatch.setattr(constants, "PRUNED_AT_ONCE", 2)
    for _ in range(3):
        ended = services.start_refreshed_session(user=ada.user)
        services.end_session(session_id=ended.session.pk, actor=ada.principal)
    for _ in range(2):
        services.start_session(user=ada.user)
    held_clock(seconds=settings.ENV.session_retention_days * DAY_S - 1)
    assert services.prune_sessions() == 0
    kept, _ = services.start_session(user=ada.user)
    held_clock(seconds=DAY_S + 2)
    output = StringIO()
    call_command("sessions_prune", stdout=output)
    assert output.getvalue() == "5 sessions were deleted.\n"
    assert Session.objects.get().pk == kept.pk
    assert not RefreshFamily.objects.exists()


def test_worker_prunes_by_itself(ada: Person, held_clock):
    services.start_session(user=ada.user)
    held_clock(seconds=60 * DAY_S)
    prune_sessions(0)
    assert not Session.objects.exists()


@pytest.mark.parametrize("column", ["expires_at", "revoked_at"])
def test_what_is_over_is_found_by_index(column: str):
    with connection.cursor() as cursor:
        # A table of a few rows is sorted faster; this asks whether the index can be used.
        for way in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
            cursor.execute(f"SET LOCAL {way} = off")
        cursor.execute(
            f"EXPLAIN SELECT id FROM session WHERE {column} < now() ORDER BY {column} LIMIT 1000"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index" in plan
    assert "Sort" not in plan
