"""Notices with versions, and people who agree to them."""

from __future__ import annotations

import psycopg
import pytest
from django.test import Client

from accounts import services
from accounts.errors import NoticeChanged
from accounts.models import Notice, NoticeAcceptance, User
from core import context
from core.errors import PermissionRefused
from core.models import AuditEvent
from tests.mailbox import join, newest_token, run_jobs
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db
FIRST = [("privacy", 1)]
REGISTRATION = {"email": "eve@example.org", "password": PASSWORD}


def _asked(client: Client, path: str, body: object = None, token: str = ""):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is None:
        return client.get(f"/api/v1/{path}", headers=headers)
    return client.post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)


def _login(client: Client, person: Person):
    return _asked(
        client, "auth/login/", {"email": person.user.email, "password": person.password}
    ).json()


def test_every_version_stays_readable_and_the_newest_is_shown(client: Client, grace: Person):
    assert b"Version 1, in force since" in client.get("/privacy/").content
    services.publish_notice(kind="privacy", text="<b>Less</b>\n\nis kept.", actor=grace.principal)
    page = client.get("/privacy/").content
    assert b"Version 2, in force since" in page
    assert b"<p>&lt;b&gt;Less&lt;/b&gt;</p>" in page
    assert client.get("/privacy/2/").content == page
    assert b"A newer one has taken its place" in client.get("/privacy/1/").content
    assert client.get("/privacy/3/").status_code == 404
    assert client.get("/terms/").status_code == 404


def test_login_says_what_still_needs_consent(client: Client, ada: Person, grace: Person):
    login = _login(client, ada)
    assert login["needs_consent"] == [{"kind": "privacy", "version": 1}]
    body = {"notices": login["needs_consent"]}
    answer = _asked(client, "me/notices/", body, token=login["token"]).json()
    assert answer["items"][0]["accepted_at"]
    assert _login(client, ada)["needs_consent"] == []
    services.publish_notice(kind="privacy", text="New words.", actor=grace.principal)
    services.publish_notice(kind="terms", text="Be kind.", actor=grace.principal)
    assert _login(client, ada)["needs_consent"] == [
        {"kind": "privacy", "version": 2},
        {"kind": "terms", "version": 1},
    ]
    mine = _asked(client, "me/notices/", token=login["token"]).json()["items"]
    assert [item["accepted_at"] for item in mine] == [None, None]


def test_acceptance_says_who_when_and_from_where_once(ada: Person, bob: Person):
    with context.entered(context.Context(request_id="r", client_address="203.0.113.77")):
        for _ in range(2):
            services.accept_notices(versions=FIRST, actor=ada.principal)
    row = NoticeAcceptance.objects.get()
    assert (row.user_id, row.client_network) == (ada.user.pk, "203.0.113.0/24")
    assert not row.at_registration
    assert AuditEvent.objects.filter(action="notice.accept", user_id=ada.user.pk).count() == 1


@pytest.mark.parametrize("versions", [[("privacy", 1), ("terms", 1)], [("privacy", 2)]])
def test_nobody_agrees_to_what_is_not_in_force(ada: Person, versions):
    with pytest.raises(NoticeChanged):
        services.accept_notices(versions=versions, actor=ada.principal)
    assert not NoticeAcceptance.objects.exists()


def test_registration_carries_what_was_agreed_to(client: Client):
    accepts = [{"kind": "privacy", "version": 1}]
    assert _asked(client, "notices/").json()["items"][0]["version"] == 1
    assert _asked(client, "auth/register/", {**REGISTRATION, "accepts": accepts}).status_code == 202
    assert not NoticeAcceptance.objects.exists()
    run_jobs()
    row = NoticeAcceptance.objects.get(user_id=User.objects.get(email="eve@example.org").pk)
    assert row.at_registration
    assert row.client_network == "127.0.0.0/24"
    services.verify_email(token=newest_token("eve@example.org"))
    assert _asked(client, "auth/login/", REGISTRATION).json()["needs_consent"] == []


def test_registration_with_an_old_version_opens_nothing(client: Client, grace: Person):
    services.publish_notice(kind="privacy", text="New words.", actor=grace.principal)
    accepts = [{"kind": "privacy", "version": 1}]
    answer = _asked(client, "auth/register/", {**REGISTRATION, "accepts": accepts})
    assert (answer.status_code, answer.json()["code"]) == (409, "ACCOUNT_NOTICE_CHANGED")
    run_jobs()
    assert not User.objects.filter(email="eve@example.org").exists()


def test_somebody_elses_registration_agrees_to_nothing_for_the_owner():
    owner = join("eve@example.org")
    services.register_user(email="eve@example.org", password=PASSWORD, accepts=FIRST)
    run_jobs()
    assert not NoticeAcceptance.objects.filter(user_id=owner.pk).exists()


def test_only_who_may_publishes(ada: Person, grace: Person):
    with pytest.raises(PermissionRefused):
        services.publish_notice(kind="terms", text="Mine.", actor=ada.principal)
    client = Client()
    client.force_login(grace.user)
    page = "/admin/accounts/notice/add/"
    assert client.post(page, {"kind": "terms", "text": "Be kind."}).status_code == 302
    notice = Notice.objects.get(kind="terms")
    assert (notice.version, notice.published_by_id) == (1, grace.user.pk)
    assert AuditEvent.objects.filter(action="notice.publish", target_id=notice.pk).exists()


@pytest.mark.parametrize(
    ("role", "statement", "sqlstate"),
    [
        ("app", "UPDATE notice SET text = ''", "42501"),
        ("app", "DELETE FROM notice_acceptance", "42501"),
        ("owner", "UPDATE notice SET text = ''", "SR001"),
        ("owner", "TRUNCATE notice_acceptance", "SR001"),
    ],
)
def test_neither_words_nor_agreements_can_be_changed(connect, role, statement, sqlstate):
    with pytest.raises(psycopg.Error) as refused:
        connect(role).execute(statement)
    assert refused.value.sqlstate == sqlstate
