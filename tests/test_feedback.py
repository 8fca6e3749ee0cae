"""What people report: taken, scrubbed, answered by staff, read by who sent it and nobody else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core import limits
from core.models import AuditEvent, Report
from sessions_app.services import start_session
from tests.people import Person, make_person

FEEDBACK, ERRORS = "/api/v1/feedback/", "/api/v1/client-errors/"
BUG = {"kind": "bug", "message": "The statement of May shows no closing balance."}


def _by(person: Person) -> Client:
    return Client(headers={"Authorization": f"Bearer {start_session(user=person.user)[1]}"})


def _sent(client: Client, path: str, body: object):
    return client.post(path, body, content_type="application/json")


@pytest.fixture
def support(db) -> Client:
    """Support at work in the admin."""
    client = Client()
    client.force_login(make_person("sam@staff.example", role="support").user)
    return client


def _press(client: Client, action: str, report: str, answer: str):
    chosen = {"action": action, "_selected_action": [report]}
    confirmed = {**chosen, "confirmed": "yes", "reason": answer}
    return client.post(reverse("admin:core_report_changelist"), confirmed, follow=True)


def test_feedback_is_answered_by_staff_and_read_by_its_sender(ada: Person, support):
    by_ada = _by(ada)
    request_id = by_ada.get("/api/v1/me/")["X-Request-ID"]
    made = _sent(by_ada, FEEDBACK, {**BUG, "request_id": request_id})
    assert (made.status_code, made.json()["state"]) == (201, "new")

    page = support.get(reverse("admin:core_report_changelist"), {"q": request_id})
    assert f"?q={request_id}" in page.content.decode()
    assert BUG["message"][:80] in page.content.decode()

    _press(support, "look", made.json()["id"], "We can see it too.")
    assert by_ada.get(made["Location"]).json()["state"] == "looking"
    _press(support, "finish", made.json()["id"], "Mended in this week's release.")
    seen = by_ada.get(FEEDBACK).json()["items"]
    assert [(one["state"], one["answer"]) for one in seen] == [
        ("done", "Mended in this week's release.")
    ]
    told = AuditEvent.objects.filter(target_type="report", user_id=ada.user.pk)
    assert sorted(told.values_list("action", flat=True)) == ["report.done", "report.looking"]


def test_what_is_done_stays_done(ada: Person, support):
    report = _sent(_by(ada), FEEDBACK, BUG).json()["id"]
    _press(support, "finish", report, "It is meant to be so.")
    answer = _press(support, "look", report, "Or is it not so?")
    assert "done already" in answer.content.decode()
    row = Report.objects.get()
    assert (row.state, row.answer) == ("done", "It is meant to be so.")


def test_auditors_read_and_do_not_answer(ada: Person):
    report = _sent(_by(ada), FEEDBACK, BUG).json()["id"]
    auditor = Client()
    auditor.force_login(make_person("aud@staff.example", role="auditor").user)
    assert auditor.get(reverse("admin:core_report_changelist")).status_code == 200
    _press(auditor, "finish", report, "This is not mine to say.")
    assert Report.objects.get().state == "new"


def test_nobody_else_reads_a_report(ada: Person, bob: Person):
    made = _sent(_by(ada), FEEDBACK, BUG)
    by_bob = _by(bob)
    assert by_bob.get(made["Location"]).status_code == 404
    assert by_bob.get(FEEDBACK).json()["items"] == []


def test_errors_of_programs_are_kept_apart_and_without_secrets(ada: Person):
    by_ada = _by(ada)
    error = {
        "message": "401 for Bearer ses_AaH8do9zcPWjvJdxg0eJtA_x of ada@example.org, "
        "4111 1111 1111 1111",
        "context": {"page": "/transfer", "password": "hunter2", "from": "bob@example.org"},
    }
    made = _sent(by_ada, ERRORS, error)
    assert made.status_code == 201
    kept = made.json()
    assert kept["message"] == "401 for *** of ***, ***"
    assert kept["context"] == {"page": "/transfer", "password": "***", "from": "***"}
    assert Report.objects.get().message == kept["message"]
    assert by_ada.get(FEEDBACK).json()["items"] == []
    assert by_ada.get(made["Location"].replace("client-errors", "feedback")).status_code == 404
    assert len(by_ada.get(ERRORS).json()["items"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "praise"},
        {"message": ""},
        {"message": "x" * 4_001},
        {"context": {"a": 1}},
        {"request_id": "no good"},
        {"state": "done"},
    ],
)
def test_what_is_too_much_or_unknown_is_refused_and_nothing_kept(ada: Person, wrong):
    assert _sent(_by(ada), FEEDBACK, {**BUG, **wrong}).status_code == 400
    assert not Report.objects.exists()


def test_twenty_first_in_an_hour_is_too_many(ada: Person, bob: Person):
    by_ada = _by(ada)
    allowed = limits.plan_of(limits.REPORTS).requests
    statuses = [_sent(by_ada, ERRORS, {"message": "x"}).status_code for _ in range(allowed + 1)]
    assert statuses == [201] * 20 + [429]
    assert by_ada.get(ERRORS).status_code == 200
    assert _sent(_by(bob), FEEDBACK, BUG).status_code == 201
    assert Report.objects.count() == 21
