"""Logins in two halves, and sessions made fresh, over the API."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts import services as accounts
from accounts.constants import RESET
from accounts.models import Factor, RecoveryCode
from accounts.services.links import make_link_token
from accounts.tests.factors import App, enrolled_app
from core import clock
from core.models import AuditEvent
from sessions_app.models import Session
from sessions_app.services import authenticate
from tests.people import PASSWORD, Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]
WRONG = "not the password at all"


def _post(path: str, body: dict[str, Any] | None = None, token: str = "", **more):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().post(
        f"/api/v1/{path}/", body or {}, content_type="application/json", headers=headers, **more
    )


def _get(path: str, token: str):
    return Client().get(f"/api/v1/{path}/", headers={"Authorization": f"Bearer {token}"})


def _login(person: Person, **more):
    body = {"email": person.user.email, "password": PASSWORD, **more}
    return _post("auth/login", body)


def _login_with(app: App, person: Person, **more) -> dict[str, Any]:
    asked = _login(person).json()
    code = app.recovery_codes.pop()
    answer = _post("auth/mfa/verify", {"challenge": asked["challenge"], "code": code, **more})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_password_alone_begins_no_session_where_there_is_a_factor(ada: Person):
    app = enrolled_app(ada)
    before = Session.objects.count()
    asked = _login(ada)
    assert asked.status_code == 202
    body = asked.json()
    assert body["status"] == "mfa_required"
    assert body["methods"] == ["totp", "recovery_code"]
    assert "token" not in body
    assert Session.objects.count() == before
    assert _get("me", body["challenge"]).status_code == 401
    done = _post("auth/mfa/verify", {"challenge": body["challenge"], "code": app.code()})
    assert done.status_code == 200
    session = Session.objects.get(pk=done.json()["session"]["id"])
    assert session.assurance_level == 2
    assert _get("me", done.json()["token"]).status_code == 200
    assert done.json()["device_token"].startswith("skd.")


def test_answer_says_how_the_session_reaches_its_client(ada: Person):
    app = enrolled_app(ada)
    assert _login_with(app, ada, refresh=True)["refresh_token"]
    both = {"challenge": "smc_x", "code": "1", "credential": {}}
    for faulty in (both, {"challenge": "smc_x"}, {"code": "123456"}):
        assert _post("auth/mfa/verify", faulty).status_code == 400


def test_attack_15_same_code_twice_and_a_sixth_answer_are_refused(ada: Person):
    app = enrolled_app(ada)
    code = app.code()
    first, second = (_login(ada).json()["challenge"] for _ in range(2))
    assert _post("auth/mfa/verify", {"challenge": first, "code": code}).status_code == 200
    for _ in range(5):
        again = _post("auth/mfa/verify", {"challenge": second, "code": code})
        assert (again.status_code, again.json()["code"]) == (401, "AUTH_FACTOR_REFUSED")
    dead = _post("auth/mfa/verify", {"challenge": second, "code": app.recovery_codes[0]})
    assert (dead.status_code, dead.json()["code"]) == (401, "AUTH_CHALLENGE_ENDED")


def test_attack_02_fresh_login_rotates_the_token(ada: Person):
    token = _login(ada).json()["token"]
    fresh = _post("auth/reauthenticate", {"password": PASSWORD}, token)
    assert fresh.status_code == 200
    assert fresh.json()["token"] != token
    assert _get("me", token).status_code == 401
    assert _get("me", fresh.json()["token"]).status_code == 200
    assert AuditEvent.objects.filter(action="session.reauthenticate").count() == 1


def test_attack_02_second_factor_rotates_the_token_and_raises_the_level(ada: Person):
    token = _login(ada).json()["token"]
    app = enrolled_app(ada)
    asked = _post("auth/reauthenticate", {"password": PASSWORD}, token)
    assert asked.status_code == 202
    assert _get("me", token).status_code == 200
    challenge = asked.json()["challenge"]
    done = _post("auth/reauthenticate/verify", {"challenge": challenge, "code": app.code()}, token)
    assert done.status_code == 200
    assert _get("me", token).status_code == 401
    session = Session.objects.get(pk=done.json()["session"]["id"])
    assert session.assurance_level == 2
    # Level 2 is what the factor's owner needs for what can hurt.
    assert _post("me/mfa/recovery-codes", {}, done.json()["token"]).status_code == 201


def test_question_of_a_session_can_be_answered_by_no_other(ada: Person, bob: Person):
    mine, theirs = _login(ada).json()["token"], _login(bob).json()["token"]
    other = _login(ada).json()["token"]
    app = enrolled_app(ada)
    challenge = _post("auth/reauthenticate", {"password": PASSWORD}, mine).json()["challenge"]
    body = {"challenge": challenge, "code": app.recovery_codes[0]}
    for token in (theirs, other):
        refused = _post("auth/reauthenticate/verify", body, token)
        assert refused.json()["code"] == "AUTH_CHALLENGE_ENDED"
    assert _post("auth/mfa/verify", body).json()["code"] == "AUTH_CHALLENGE_ENDED"
    assert RecoveryCode.objects.filter(used_at=None).count() == 10
    assert _post("auth/reauthenticate/verify", body, mine).status_code == 200


def test_wrong_password_makes_nothing_fresh_and_is_counted(ada: Person, monkeypatch):
    env = dataclasses.replace(settings.ENV, guesses_per_account_max=3)
    monkeypatch.setattr(settings, "ENV", env)
    token = _login(ada).json()["token"]
    statuses = [
        _post("auth/reauthenticate", {"password": WRONG}, token).status_code for _ in range(4)
    ]
    assert statuses == [401, 401, 401, 429]
    assert _post("auth/reauthenticate", {"password": PASSWORD}, token).status_code == 429
    assert _get("me", token).status_code == 200


def test_stale_login_is_told_what_is_missing_and_how_old_is_too_old(ada: Person):
    token = _login(ada).json()["token"]
    long_ago = clock.now() - dt.timedelta(minutes=6)
    Session.objects.update(authenticated_at=long_ago)
    accounts.set_mfa_enforced(user=ada.user, is_enforced=False, actor=ada.principal)
    refused = _post("me/mfa/factors", {"kind": "totp", "label": "Telephone"}, token)
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"] == (
        'Bearer error="insufficient_user_authentication", max_age=300'
    )
    fresh = _post("auth/reauthenticate", {"password": PASSWORD}, token).json()["token"]
    begun = _post("me/mfa/factors", {"kind": "totp", "label": "Telephone"}, fresh)
    assert begun.status_code == 201
    assert begun.json()["app"]["qr_code"].startswith("data:image/svg+xml")
    assert begun.json()["app"]["secret"] in begun.json()["app"]["uri"]


def test_one_factor_is_not_fresh_once_there_are_two(ada: Person):
    """The session from before stays, but what can hurt asks for the second factor."""
    token = _login(ada).json()["token"]
    assert _get("me", token).status_code == 200
    app = enrolled_app(ada)
    assert _get("me/mfa/factors", token).json()["recovery_codes_left"] == 10
    refused = _post("me/mfa/recovery-codes", {}, token)
    assert refused.json()["code"] == "AUTH_STEP_UP_REQUIRED"
    removed = Client().delete(
        f"/api/v1/me/mfa/factors/{app.factor_id}/", headers={"Authorization": f"Bearer {token}"}
    )
    assert removed.status_code == 401
    assert Factor.objects.count() == 1


@pytest.mark.parametrize("staff_mfa", ["optional", "required"])
def test_staff_with_one_factor_have_no_powers_where_two_are_required(
    grace: Person, ada: Person, monkeypatch, staff_mfa
):
    env = dataclasses.replace(settings.ENV, staff_mfa=staff_mfa)
    monkeypatch.setattr(settings, "ENV", env)
    token = _login(grace).json()["token"]
    assert authenticate(token).may("accounts.view_user") == (staff_mfa == "optional")
    app = enrolled_app(grace)
    strong = _login_with(app, grace)["token"]
    assert authenticate(strong).may("accounts.view_user")
    assert not authenticate(token).may("accounts.view_user")


def test_logins_and_failed_ones_are_written_down(ada: Person, monkeypatch, caplog):
    monkeypatch.setattr(
        settings, "ENV", dataclasses.replace(settings.ENV, guesses_per_account_max=3)
    )
    app = enrolled_app(ada)
    caplog.set_level("INFO")
    challenge = _login(ada).json()["challenge"]
    _post("auth/mfa/verify", {"challenge": challenge, "code": "000000"})
    token = _login_with(app, ada)["token"]
    _get("users", token)
    for _ in range(4):
        _post("auth/login", {"email": ada.user.email, "password": WRONG})
    told = [
        (
            record.msg["route"].removeprefix("api/v1/"),
            record.msg["status"],
            record.msg["code"] or "",
        )
        for record in caplog.records
        if record.name == "strongroom.access"
    ]
    assert told == [
        ("auth/login/", 202, ""),
        ("auth/mfa/verify/", 401, "AUTH_FACTOR_REFUSED"),
        ("auth/login/", 202, ""),
        ("auth/mfa/verify/", 200, ""),
        ("users/", 403, "AUTH_FORBIDDEN"),
        *[("auth/login/", 401, "AUTH_LOGIN_REFUSED")] * 3,
        ("auth/login/", 429, "RATE_LIMITED"),
    ]
    assert AuditEvent.objects.get(action="session.start").user_id == ada.user.pk


def test_attack_17_second_factor_is_asked_for_after_a_reset(ada: Person):
    enrolled_app(ada)
    link = make_link_token(user=ada.user, purpose=RESET)
    reset = {"token": link, "password": "another long way to get in here"}
    assert _post("auth/password/reset", reset).status_code == 204
    asked = _post("auth/login", {"email": ada.user.email, "password": reset["password"]})
    assert (asked.status_code, asked.json()["status"]) == (202, "mfa_required")
    assert "token" not in asked.json()
