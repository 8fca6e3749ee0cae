"""What somebody must do before anything else: choose a password, or add a second factor."""

from __future__ import annotations

import dataclasses

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from accounts import services as accounts
from accounts import totp
from accounts.models import User
from accounts.tests.factors import enrolled_app
from core import clock
from core.principals import of_staff
from sessions_app.services import start_session
from sessions_app.tests.api import call
from tests import endpoints
from tests.callers import Callers
from tests.people import PASSWORD, Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]
OWN = "a sentence of my own choosing"
OPEN_TO_BOTH = {
    "POST auth/logout/",
    "POST auth/reauthenticate/",
    "POST auth/reauthenticate/verify/",
}
OPEN_WITH_ONE_TIME_PASSWORD = {*OPEN_TO_BOTH, "POST auth/password/change/"}
OPEN_WITHOUT_FACTOR = {
    *OPEN_TO_BOTH,
    "GET me/mfa/factors/",
    "POST me/mfa/factors/",
    "POST me/mfa/factors/<uuid:factor_id>/confirm/",
}


def refused_with(token: str, callers: Callers, code: str) -> set[str]:
    """Return the operations that refuse ``token`` with ``code``, by the URL map."""
    refused = set()
    for operation in endpoints.operations():
        if not operation.is_public:
            with transaction.atomic():
                answer = operation.ask(token, callers.things, callers.bodies.get(str(operation)))
                # What it did, such as to log out, is not for the next one.
                transaction.set_rollback(True)
            if answer.status_code == 403 and answer.json()["code"] == code:
                refused.add(str(operation))
    return refused


def closed(*, but: set[str]) -> set[str]:
    """Return every operation that asks who calls, but those."""
    every = {str(operation) for operation in endpoints.operations() if not operation.is_public}
    assert but < every
    return every - but


@pytest.fixture
def newcomer(db) -> Person:
    """Staff who have never logged in."""
    password = accounts.create_staff_user(email="sue@example.org", role="admin")
    user = User.objects.get(email="sue@example.org")
    return Person(user, of_staff(user), password)


def _log_in(email: str, password: str) -> str:
    answer = call("", "POST", "auth/login/", {"email": email, "password": password})
    assert answer.status_code == 200, answer.content
    return str(answer.json()["token"])


def test_one_time_password_opens_nothing_but_what_replaces_it(newcomer: Person, callers: Callers):
    _, token = start_session(user=newcomer.user)
    refused = refused_with(token, callers, "AUTH_PASSWORD_CHANGE_REQUIRED")
    assert refused == closed(but=OPEN_WITH_ONE_TIME_PASSWORD)


def test_own_password_opens_everything(newcomer: Person):
    token = _log_in("sue@example.org", newcomer.password)
    assert call(token, "GET", "users/").status_code == 403
    choice = {"old_password": newcomer.password, "password": newcomer.password}
    again = call(token, "POST", "auth/password/change/", choice)
    assert again.json()["errors"][0]["code"] == "password_reused"
    assert call(token, "GET", "users/").status_code == 403
    choice["password"] = OWN
    assert call(token, "POST", "auth/password/change/", choice).status_code == 204
    assert call(token, "GET", "users/").status_code == 200
    assert call(_log_in("sue@example.org", OWN), "GET", "users/").status_code == 200


def test_admin_leads_to_the_password_and_nowhere_else(newcomer: Person):
    client = Client()
    name = {"username": "sue@example.org", "password": newcomer.password}
    assert client.post("/admin/login/", name).status_code == 302
    for page in ("/admin/", "/admin/accounts/user/", "/admin/accounts/user/invite/"):
        for answer in (client.get(page), client.post(page, {})):
            assert (answer.status_code, answer["Location"]) == (302, "/admin/password_change/")
    given = {"old_password": newcomer.password, "password": OWN, "again": OWN}
    assert client.get("/admin/password_change/").status_code == 200
    assert client.post("/admin/password_change/", given)["Location"] == "/admin/"
    assert client.get("/admin/accounts/user/").status_code == 200


def test_account_that_needs_a_factor_adds_one_before_anything_else(
    ada: Person, grace: Person, callers: Callers
):
    accounts.set_mfa_enforced(user=ada.user, is_enforced=True, actor=grace.principal)
    _, token = start_session(user=ada.user)
    # The caller's things include an app of hers.
    accounts.remove_all_factors(user=ada.user, actor=grace.principal)
    assert refused_with(token, callers, "AUTH_FACTOR_REQUIRED") == closed(but=OPEN_WITHOUT_FACTOR)


def test_demand_for_a_factor_holds_in_sessions_that_were_there_and_ends_with_it(
    ada: Person, grace: Person
):
    token = _log_in("ada@example.org", PASSWORD)
    assert call(token, "GET", "me/").status_code == 200
    accounts.set_mfa_enforced(user=ada.user, is_enforced=True, actor=grace.principal)
    assert call(token, "GET", "me/").json()["code"] == "AUTH_FACTOR_REQUIRED"
    begun = call(token, "POST", "me/mfa/factors/", {"kind": "totp", "label": "Mine"}).json()
    assert call(token, "GET", "me/").status_code == 403
    step = int(clock.now().timestamp()) // 30
    code = totp.code_of_step(begun["app"]["secret"], step)
    proved = call(token, "POST", f"me/mfa/factors/{begun['id']}/confirm/", {"code": code})
    assert proved.status_code == 200
    assert call(token, "GET", "me/").status_code == 200


def test_new_staff_add_a_factor_then_choose_a_password(newcomer: Person, monkeypatch):
    monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, staff_mfa="required"))
    token = _log_in("sue@example.org", newcomer.password)
    assert call(token, "GET", "users/").json()["code"] == "AUTH_FACTOR_REQUIRED"
    app = enrolled_app(newcomer)
    assert call(token, "GET", "users/").json()["code"] == "AUTH_PASSWORD_CHANGE_REQUIRED"
    password = {"password": newcomer.password}
    asked = call(token, "POST", "auth/reauthenticate/", password).json()["challenge"]
    proof = {"challenge": asked, "code": app.code()}
    token = call(token, "POST", "auth/reauthenticate/verify/", proof).json()["token"]
    choice = {"old_password": newcomer.password, "password": OWN}
    assert call(token, "POST", "auth/password/change/", choice).status_code == 204
    assert call(token, "GET", "users/").status_code == 200


def test_admin_session_from_before_a_factor_is_over(grace: Person):
    client = Client()
    login = {"username": "grace@example.org", "password": PASSWORD}
    assert client.post("/admin/login/", login).status_code == 302
    assert client.get("/admin/").status_code == 200
    enrolled_app(grace)
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
