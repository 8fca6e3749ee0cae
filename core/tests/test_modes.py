"""What still works while the service is maintained or may only be read."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core import modes, runtime_settings
from core.models import AuditEvent
from sessions_app.models import Session
from sessions_app.services import start_session
from tests.people import Person, make_person
from transactions import tasks
from transactions.models import Hold, LedgerAccount
from transactions.tests.money import hold_on, open_account, plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def mode():
    """Let the service be in a mode."""

    def set_to(mode: str, **others: str | int) -> None:
        runtime_settings.assume({"service_mode": mode, **others})

    return set_to


def _by(person: Person) -> Client:
    _, token = start_session(user=person.user)
    return Client(headers={"Authorization": f"Bearer {token}"})


def _login(email: str = "ada@example.org"):
    body = {"email": email, "password": "correct horse battery staple"}
    return Client().post("/api/v1/auth/login/", body, content_type="application/json")


def test_read_only_refuses_what_changes_anything(mode, ada: Person):
    by_ada = _by(ada)
    mode("read_only", service_mode_message="Back at noon.", service_mode_retry_after_s=7)
    body = {"code": "savings", "asset": "USD"}
    refused = by_ada.post("/api/v1/ledger-accounts/", body, content_type="application/json")
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (503, "MAINT_READ_ONLY")
    assert problem["detail"] == "Back at noon."
    assert refused["Retry-After"] == "7"
    assert refused["Content-Type"] == "application/problem+json"
    assert not LedgerAccount.objects.filter(code="savings").exists()
    assert by_ada.get("/api/v1/ledger-accounts/").status_code == 200


def test_people_come_and_go_while_nothing_can_be_changed(
    mode, ada: Person, django_capture_on_commit_callbacks
):
    mode("read_only")
    answer = _login()
    assert answer.status_code == 200
    by_ada = Client(headers={"Authorization": f"Bearer {answer.json()['token']}"})
    with django_capture_on_commit_callbacks(execute=True):
        assert by_ada.post("/api/v1/auth/logout/").status_code == 204
    assert by_ada.get("/api/v1/me/").status_code == 401


def test_maintenance_refuses_the_api_and_leaves_the_rest(mode, ada: Person, grace: Person):
    by_ada = _by(ada)
    mode("maintenance")
    for answer in (by_ada.get("/api/v1/me/"), Client().get("/api/v2/me/"), _login()):
        if answer.status_code == 404:
            continue
        assert (answer.status_code, answer.json()["code"]) == (503, "MAINT_IN_PROGRESS")
        assert answer["Retry-After"] == "120"
    assert Session.objects.count() == 1
    for path in ("/health/live", "/health/ready", "/api/v1/schema/", "/.well-known/jwks.json"):
        assert Client().get(path).status_code == 200
    staff = Client()
    staff.force_login(grace.user)
    assert staff.get(reverse("admin:index")).status_code == 200


def test_staff_end_it_in_the_admin(mode, grace: Person, django_capture_on_commit_callbacks):
    mode("maintenance")
    staff = Client()
    staff.force_login(grace.user)
    page = reverse("admin:core_runtimesetting_change", args=["service_mode"])
    with django_capture_on_commit_callbacks(execute=True):
        answer = staff.post(page, {"value": "normal", "reason": "the new disks are in"})
    assert answer.status_code == 302, answer.context["errors"]
    assert modes.MODE.value == "normal"
    assert AuditEvent.objects.get(action="setting.change").data["after"] == "normal"


@pytest.mark.parametrize("now", ["read_only", "maintenance"])
def test_scheduled_money_waits(mode, ada: Person, now):
    source, target = open_account(ada.principal, balance=100), open_account(ada.principal)
    plan(source, target)
    hold_on(source, target, 1)
    mode(now)
    Hold.objects.update(expires_at="2026-01-01T00:00Z")
    tasks.expire_holds(timestamp=0)
    assert Hold.objects.get().status == "pending"
    mode("normal")
    tasks.expire_holds(timestamp=0)
    assert Hold.objects.get().status == "expired"


def test_closed_registration_opens_nothing(ada: Person):
    runtime_settings.assume({"registration_open": False})
    body = {"email": "eve@example.org", "password": "correct horse battery staple 2"}
    answer = Client().post("/api/v1/auth/register/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "ACCOUNT_REGISTRATION_CLOSED")
    assert not User.objects.filter(email="eve@example.org").exists()


def test_closed_login_lets_in_staff_alone(ada: Person):
    make_person("operator@example.org", role="operator")
    runtime_settings.assume({"login_open": False})
    answer = _login()
    assert (answer.status_code, answer.json()["code"]) == (503, "AUTH_LOGIN_CLOSED")
    assert not Session.objects.exists()
    assert _login("operator@example.org").status_code == 200
