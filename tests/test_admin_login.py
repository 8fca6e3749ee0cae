"""The way into the admin: the limits, the second factors and the sessions of everybody else."""

from __future__ import annotations

import dataclasses
import html
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts import totp
from accounts.models import Factor, User
from accounts.tests.factors import enrolled_app
from core import clock
from sessions_app.models import Session
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
REFUSED = "The e-mail or the password is wrong."


@pytest.fixture
def require_mfa(monkeypatch):
    """Ask staff for a second factor, as production does."""
    monkeypatch.setattr(settings, "ENV", dataclasses.replace(settings.ENV, staff_mfa="required"))


def _try(client: Client, password: str = PASSWORD, email: str = "grace@example.org", **more: Any):
    return client.post(LOGIN, {"username": email, "password": password, **more})


def _hidden(answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, answer.content.decode()
    return html.unescape(found[1])


def _is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_password_is_enough_where_no_second_factor_is_required(grace: Person):
    client = Client()
    assert client.get(LOGIN).status_code == 200
    assert _try(client)["Location"] == "/admin/"
    assert _is_in(client)
    assert client.get(LOGIN)["Location"] == "/admin/"
    session = Session.objects.get(user=grace.user)
    assert (session.kind, session.assurance_level) == ("staff", 1)


@pytest.mark.parametrize("who", ["wrong", "unknown", "not staff"])
def test_refusals_are_alike(grace: Person, ada: Person, who):
    client = Client()
    email = {"wrong": "grace", "unknown": "nobody", "not staff": "ada"}[who] + "@example.org"
    answer = _try(client, "quite another" if who == "wrong" else PASSWORD, email)
    assert answer.status_code == 200
    assert REFUSED in answer.content.decode()
    assert not _is_in(client)
    assert not Session.objects.exists()


def test_guesses_are_throttled_and_the_known_device_gets_in(grace: Person):
    known = Client()
    _try(known)
    known.cookies.pop(settings.SESSION_COOKIE_NAME)
    stranger = Client()
    statuses = [_try(stranger, "quite another").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    right = _try(Client())
    assert right.status_code == 429
    assert int(right["Retry-After"]) > 0
    assert "Try again in" in right.content.decode()
    assert not _is_in(known)
    _try(known)
    assert _is_in(known)


def test_code_is_asked_for_and_counts_once(grace: Person):
    app = enrolled_app(grace)
    client = Client()
    asked = _try(client)
    assert not _is_in(client)
    challenge = _hidden(asked, "challenge")
    wrong = client.post(LOGIN, {"challenge": challenge, "code": "000000"})
    assert "The code is wrong" in wrong.content.decode()
    assert not _is_in(client)
    code = app.code()
    client.post(LOGIN, {"challenge": challenge, "code": code})
    assert _is_in(client)
    assert Session.objects.get(user=grace.user).assurance_level == 2
    again = Client()
    again.post(LOGIN, {"challenge": _hidden(_try(again), "challenge"), "code": code})
    assert not _is_in(again)


def test_challenge_ends_and_the_first_page_is_back(grace: Person):
    app = enrolled_app(grace)
    client = Client()
    challenge = _hidden(_try(client), "challenge")
    for _ in range(5):
        client.post(LOGIN, {"challenge": challenge, "code": "000000"})
    ended = client.post(LOGIN, {"challenge": challenge, "code": app.code()})
    assert "Log in again." in ended.content.decode()
    assert 'name="password"' in ended.content.decode()
    assert not _is_in(client)


def test_question_that_somebody_else_was_asked_by_the_api_lets_nobody_in(ada: Person):
    app = enrolled_app(ada)
    credentials = {"email": "ada@example.org", "password": PASSWORD}
    asked = Client().post("/api/v1/auth/login/", credentials, content_type="application/json")
    client = Client()
    client.post(LOGIN, {"challenge": asked.json()["challenge"], "code": app.code()})
    assert not _is_in(client)
    assert not Session.objects.filter(user=ada.user).exists()


def test_staff_without_a_factor_add_one_before_they_are_in(grace: Person, require_mfa):
    client = Client()
    offered = _try(client)
    assert 'src="data:image/svg+xml' in offered.content.decode()
    assert not _is_in(client)
    seed = Factor.objects.get(user=grace.user).seed
    assert seed in offered.content.decode()
    token = _hidden(offered, "enrolment")
    wrong = client.post(LOGIN, {"enrolment": token, "code": "000000"})
    assert seed in wrong.content.decode()
    assert not _is_in(client)
    code = totp.code_of_step(seed, int(clock.now().timestamp()) // 30)
    done = client.post(LOGIN, {"enrolment": token, "code": code})
    assert len(re.findall(r"<li><code>[A-Z2-7-]{29}</code>", done.content.decode())) == 10
    assert _is_in(client)
    assert Session.objects.get(user=grace.user).assurance_level == 2
    again = Client()
    again.post(LOGIN, {"enrolment": token, "code": code})
    assert not _is_in(again)


def test_offer_is_worth_nothing_changed_or_after_the_logins_were_ended(grace: Person, require_mfa):
    client = Client()
    token = _hidden(_try(client), "enrolment")
    seed = Factor.objects.get(user=grace.user).seed
    code = totp.code_of_step(seed, int(clock.now().timestamp()) // 30)
    client.post(
        LOGIN, {"enrolment": f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}", "code": code}
    )
    assert not _is_in(client)
    grace.user.session_epoch += 1
    grace.user.save(update_fields=["session_epoch"])
    client.post(LOGIN, {"enrolment": token, "code": code})
    assert not _is_in(client)
    assert not Factor.objects.filter(confirmed_at__isnull=False).exists()


def test_session_of_one_factor_is_no_way_in_where_two_are_required(grace: Person, require_mfa):
    client = Client()
    client.force_login(grace.user)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_way_in_leads_nowhere_else(grace: Person, where):
    assert _try(Client(), next=where)["Location"] == "/admin/"
    path = "/admin/accounts/user/"
    assert _try(Client(), next=path)["Location"] == path


@pytest.mark.parametrize(
    "body",
    [
        {"username": "x" * 300, "password": "y"},
        {"username": "grace@example.org", "password": "x" * 2_000},
        {"username": "grace@example.org\x00", "password": "y"},
        {"challenge": "nonsense", "code": "1"},
        {"challenge": "nonsense", "credential": "[1]"},
        {"challenge": "nonsense", "credential": "{"},
        {"enrolment": "nonsense", "code": "1"},
        {},
    ],
)
def test_nonsense_is_answered_with_a_page(grace: Person, body):
    answer = Client().post(LOGIN, body)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")


def test_staff_replace_their_password_by_the_rules_of_everybody(grace: Person):
    client, other = Client(), Client()
    for each in (client, other):
        _try(each)
    token = Client().post(
        "/api/v1/auth/login/",
        {"email": "grace@example.org", "password": PASSWORD},
        content_type="application/json",
    )
    path, new = "/admin/password_change/", "another sentence of some length"

    def change(**given: str):
        body = {"old_password": PASSWORD, "password": new, "again": new, **given}
        return client.post(path, body)

    for refused, words in (
        (change(old_password="quite another"), "The old password is wrong."),
        (change(password="short", again="short"), "Must have at least"),
        (change(password=PASSWORD, again=PASSWORD), "last five passwords"),
        (change(again="something else"), "differ"),
    ):
        assert refused.status_code == 200
        assert words in refused.content.decode()
    assert _is_in(other)
    assert change()["Location"] == "/admin/"
    assert _is_in(client)
    assert not _is_in(other)
    assert _try(Client()).status_code == 200
    assert _try(Client(), new).status_code == 302
    me = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {token.json()['token']}"})
    assert me.status_code == 401


def test_staff_help_people_who_lost_their_factor_and_decide_who_needs_one(
    grace: Person, ada: Person
):
    client = Client()
    client.force_login(grace.user)
    app = enrolled_app(ada)

    def press(page: str, action: str, pk: object):
        body = {"action": action, "_selected_action": str(pk)}
        assert client.post(f"/admin/accounts/{page}/", body).status_code == 302

    press("user", "require_factor", ada.user.pk)
    assert User.objects.get(pk=ada.user.pk).mfa_enforced
    press("user", "allow_without_factor", ada.user.pk)
    assert not User.objects.get(pk=ada.user.pk).mfa_enforced
    press("factor", "remove_lost", app.factor_id)
    assert not Factor.objects.filter(user=ada.user).exists()
