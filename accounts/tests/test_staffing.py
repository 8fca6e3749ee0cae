"""Staff look after people: invite, find, lock, help, change, close; and who may not."""

from __future__ import annotations

import dataclasses

import pytest
from django.db import connection

from accounts import constants, errors, services
from accounts.models import OneTimeToken, User
from core import clock
from core.errors import PermissionRefused, StepUpRequired
from core.models import AuditEvent, OutboxEvent
from sessions_app import session_cache
from sessions_app.services import authenticate, start_session
from tests.mailbox import mails_to, newest_token, run_jobs
from tests.people import PASSWORD, Person, make_person

pytestmark = pytest.mark.django_db
PATH = "/api/v1/users/"
WHY = "Asked by telephone, ticket 4711."
OWN_PASSWORD = "nobody else knows this sentence"


@pytest.fixture
def asking(client):
    """Return a function that sends a request as somebody who has just logged in."""

    def ask(person: Person, method: str, path: str, body=None, **headers):
        token = start_session(user=person.user)[1]
        return getattr(client, method)(
            path,
            body if method == "get" else body or {},
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}", **headers},
        )

    return ask


def test_person_is_created_read_changed_closed_and_gone(asking, grace: Person):
    made = asking(grace, "post", PATH, {"email": "Eve@example.org", "name": "Eve"})
    assert made.status_code == 201
    path = f"{PATH}{made.json()['id']}/"
    shown = asking(grace, "get", path)
    assert (shown.status_code, shown.json()["email"]) == (200, "Eve@example.org")
    changed = asking(grace, "patch", path, {"name": "Eva"}, **{"If-Match": shown["ETag"]})
    assert (changed.status_code, changed.json()["name"]) == (200, "Eva")
    assert (
        asking(grace, "patch", path, {"name": "E"}, **{"If-Match": shown["ETag"]}).status_code
        == 412
    )
    assert asking(grace, "patch", path, {"name": "E"}).status_code == 428
    assert asking(grace, "post", PATH, {"email": "EVE@example.org"}).status_code == 429
    OneTimeToken.objects.update(consumed_at=clock.now())
    User.objects.filter(email="Eve@example.org").update(email_verified_at=clock.now())
    taken = asking(grace, "post", PATH, {"email": "EVE@example.org"})
    assert (taken.status_code, taken.json()["code"]) == (409, "ACCOUNT_EMAIL_TAKEN")
    assert asking(grace, "delete", f"{path}?reason={WHY}").status_code == 204
    assert asking(grace, "get", path).status_code == 404
    assert asking(grace, "get", PATH).json()["items"][0]["email"] == "grace@example.org"


def test_invited_person_chooses_the_password_and_is_in(asking, grace: Person):
    asking(grace, "post", "/api/v1/invitations/", {"email": "eve@example.org", "role": "support"})
    token = newest_token("eve@example.org")
    weak = asking(grace, "post", "/api/v1/invitations/accept/", {"token": token, "password": "x"})
    assert weak.status_code == 400
    body = {"token": token, "password": OWN_PASSWORD}
    assert asking(grace, "post", "/api/v1/invitations/accept/", body).status_code == 204
    assert asking(grace, "post", "/api/v1/invitations/accept/", body).status_code == 410
    user = services.verify_login(email="eve@example.org", password=OWN_PASSWORD)
    assert user.is_staff
    assert user.has_perm("accounts.help_user")


def test_withdrawn_invitation_opens_nothing(asking, grace: Person):
    made = asking(grace, "post", "/api/v1/invitations/", {"email": "eve@example.org"}).json()
    token = newest_token("eve@example.org")
    (listed,) = asking(grace, "get", "/api/v1/invitations/").json()["items"]
    assert listed == made
    path = f"/api/v1/invitations/{made['id']}/"
    assert asking(grace, "delete", f"{path}?reason={WHY}").status_code == 204
    assert asking(grace, "delete", f"{path}?reason={WHY}").status_code == 404
    assert asking(grace, "get", "/api/v1/invitations/").json()["items"] == []
    with pytest.raises(errors.LinkSpent):
        services.accept_invitation(token=token, password=OWN_PASSWORD)
    assert AuditEvent.objects.get(action="account.invite_withdraw").data == {"reason": WHY}
    assert (
        asking(grace, "post", "/api/v1/invitations/", {"email": "eve@example.org"}).status_code
        == 201
    )


def test_second_invitation_replaces_the_first(grace: Person, monkeypatch):
    monkeypatch.setattr(constants, "LINK_PAUSE_S", -1)
    services.invite(email="eve@example.org", actor=grace.principal)
    older = newest_token("eve@example.org")
    services.invite(email="eve@example.org", actor=grace.principal)
    with pytest.raises(errors.LinkSpent):
        services.accept_invitation(token=older, password=OWN_PASSWORD)
    services.accept_invitation(token=newest_token("eve@example.org"), password=OWN_PASSWORD)
    assert User.objects.filter(email="eve@example.org").count() == 1


def test_stranger_cannot_take_an_invited_account_by_registering(grace: Person, fresh):
    services.invite(email="eve@example.org", role="admin", actor=fresh(grace))
    token = newest_token("eve@example.org")
    services.register_user(email="eve@example.org", password=OWN_PASSWORD)
    assert mails_to("eve@example.org")[-1].subject == "You already have an account"
    services.accept_invitation(token=token, password="what Eve chose for herself")
    with pytest.raises(errors.LoginRefused):
        services.verify_login(email="eve@example.org", password=OWN_PASSWORD)


@pytest.mark.parametrize("deed", ["lock", "unlock", "force-reset", "resend", "role"])
def test_deeds_need_a_reason(asking, ada: Person, grace: Person, deed: str):
    for body in ({}, {"reason": "short"}, {"reason": "x" * 501}):
        answer = asking(grace, "post", f"{PATH}{ada.user.pk}/{deed}/", body)
        assert answer.status_code == 400
    assert not AuditEvent.objects.filter(user_id=ada.user.pk, actor_id=grace.user.pk).exists()


def test_lock_says_why_and_since_when_and_unlock_ends_it(asking, ada: Person, grace: Person):
    locked = asking(grace, "post", f"{PATH}{ada.user.pk}/lock/", {"reason": WHY})
    assert locked.status_code == 200
    assert locked.json()["is_active"] is False
    assert (locked.json()["lock_reason"], locked.json()["locked_at"] is None) == (WHY, False)
    assert mails_to("ada@example.org")[-1].subject == "Your account was locked"
    assert WHY not in str(mails_to("ada@example.org")[-1].body)
    event = AuditEvent.objects.get(action="account.lock")
    assert (event.actor_id, event.data) == (grace.user.pk, {"reason": WHY})
    assert OutboxEvent.objects.filter(topic="account.locked", object_id=ada.user.pk).exists()
    opened = asking(grace, "post", f"{PATH}{ada.user.pk}/unlock/", {"reason": WHY})
    assert opened.json()["locked_at"] is None
    assert services.verify_login(email="ada@example.org", password=PASSWORD) == ada.user


def test_forced_reset_leaves_only_the_mailbox(asking, ada: Person, grace: Person):
    assert (
        asking(grace, "post", f"{PATH}{ada.user.pk}/force-reset/", {"reason": WHY}).status_code
        == 200
    )
    with pytest.raises(errors.LoginRefused):
        services.verify_login(email="ada@example.org", password=PASSWORD)
    services.reset_password(token=newest_token("ada@example.org"), password=OWN_PASSWORD)
    assert services.verify_login(email="ada@example.org", password=OWN_PASSWORD) == ada.user
    ada.user.refresh_from_db()
    assert ada.user.session_epoch == 2


def test_resending_is_for_those_who_still_need_a_link(asking, ada: Person, grace: Person):
    verified = asking(grace, "post", f"{PATH}{ada.user.pk}/resend/", {"reason": WHY})
    assert (verified.status_code, verified.json()["code"]) == (409, "ACCOUNT_EMAIL_VERIFIED")
    services.register_user(email="eve@example.org", password=PASSWORD)
    run_jobs()
    eve = User.objects.get(email="eve@example.org")
    too_soon = asking(grace, "post", f"{PATH}{eve.pk}/resend/", {"reason": WHY})
    assert (too_soon.status_code, too_soon["Retry-After"]) == (429, "120")
    OneTimeToken.objects.update(created_at=eve.created_at.replace(year=2020))
    assert asking(grace, "post", f"{PATH}{eve.pk}/resend/", {"reason": WHY}).status_code == 200
    assert len(mails_to("eve@example.org")) == 2


def test_role_makes_staff_and_takes_it_away(asking, ada: Person, grace: Person):
    path = f"{PATH}{ada.user.pk}/role/"
    made = asking(grace, "post", path, {"role": "support", "reason": WHY})
    assert (made.json()["roles"], made.json()["is_staff"]) == (["support"], True)
    gone = asking(grace, "post", path, {"role": None, "reason": WHY})
    assert (gone.json()["roles"], gone.json()["is_staff"]) == ([], False)
    assert asking(grace, "post", path, {"role": "root", "reason": WHY}).status_code == 400
    roles = AuditEvent.objects.filter(action="account.change_role").order_by("id")
    assert [event.data["role"] for event in roles] == ["support", None]


def test_demoted_staff_has_lost_it_with_the_next_request(asking, grace: Person):
    other = make_person("old@staff.example", role="admin")
    token = start_session(user=other.user)[1]
    assert authenticate(token).may("accounts.lock_user")
    asking(grace, "post", f"{PATH}{other.user.pk}/role/", {"role": None, "reason": WHY})
    # What the commit does, which this test never reaches.
    session_cache.forget_user(other.user.pk)
    assert not authenticate(token).may("accounts.lock_user")


def test_role_and_closing_need_a_fresh_login(ada: Person, grace: Person):
    stale = dataclasses.replace(grace.principal, authenticated_at=None)
    with pytest.raises(StepUpRequired):
        services.change_role(user_id=ada.user.pk, role="admin", reason=WHY, actor=stale)
    with pytest.raises(StepUpRequired):
        services.delete_user(user_id=ada.user.pk, reason=WHY, actor=stale)
    with pytest.raises(StepUpRequired):
        services.invite(email="eve@example.org", role="admin", actor=stale)
    ada.user.refresh_from_db()
    assert (ada.user.is_staff, ada.user.deleted_at) == (False, None)
    assert not User.objects.filter(email="eve@example.org").exists()


DEEDS = {
    "lock_user": {},
    "unlock_user": {},
    "force_password_reset": {},
    "resend_link": {},
    "change_role": {"role": None},
    "delete_user": {},
}


@pytest.mark.parametrize("deed", DEEDS)
def test_who_may_not_changes_nothing(ada: Person, bob: Person, grace: Person, fresh, deed: str):
    support = make_person("sue@staff.example", role="support")
    act, more = getattr(services, deed), DEEDS[deed]
    with pytest.raises(errors.AccountNotFound):
        act(user_id=ada.user.pk, reason=WHY, actor=fresh(bob), **more)
    with pytest.raises(PermissionRefused):
        act(user_id=grace.user.pk, reason=WHY, actor=fresh(support), **more)
    with pytest.raises(errors.OwnAccount):
        act(user_id=grace.user.pk, reason=WHY, actor=fresh(grace), **more)
    for person in (ada, grace):
        before = (person.user.version, person.user.session_epoch, person.user.password)
        person.user.refresh_from_db()
        assert (person.user.version, person.user.session_epoch, person.user.password) == before


def test_list_finds_by_the_declared_filters_only(asking, ada: Person, bob: Person, grace: Person):
    services.lock_user(user_id=bob.user.pk, reason=WHY, actor=grace.principal)
    services.register_user(email="eve@example.org", password=PASSWORD)
    run_jobs()

    def found(query: str) -> list[str]:
        answer = asking(grace, "get", f"{PATH}?{query}")
        assert answer.status_code == 200, answer.content
        return [person["name"] or "Eve" for person in answer.json()["items"]]

    assert found("email=ADA@example.org") == ["Ada"]
    assert found("email=nobody@example.org") == []
    assert found("state=locked") == ["Bob"]
    assert found("state=unverified") == ["Eve"]
    assert found("state=active&role=admin") == ["Grace"]
    for query in ("name=Ada", "state=sad", "role=root", "email=a&email=b"):
        assert asking(grace, "get", f"{PATH}?{query}").status_code == 400
    first = asking(grace, "get", f"{PATH}?limit=3").json()
    second = asking(grace, "get", first["next"].split("testserver")[1]).json()
    ids = [person["id"] for person in first["items"] + second["items"]]
    assert len(ids) == 4
    assert ids == sorted(ids, reverse=True)
    assert asking(ada, "get", PATH).status_code == 403


def test_list_asks_as_often_for_many_as_for_one(asking, grace: Person, django_assert_num_queries):
    asking(grace, "get", PATH)
    with connection.execute_wrapper(counting := Counting()):
        asking(grace, "get", PATH)
    few = counting.count
    for number in range(10):
        make_person(f"p{number}@example.org", role="support" if number % 2 else None)
    with connection.execute_wrapper(counting := Counting()):
        asking(grace, "get", PATH)
    assert counting.count == few


class Counting:
    """Counts statements."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute, sql, params, many, context):
        self.count += 1
        return execute(sql, params, many, context)


def test_staff_see_where_somebody_is_logged_in(asking, ada: Person, bob: Person, grace: Person):
    session, _ = start_session(user=ada.user)
    path = f"{PATH}{ada.user.pk}/sessions/"
    (shown,) = asking(grace, "get", path).json()["items"]
    assert shown["id"] == str(session.pk)
    assert "token" not in str(shown)
    assert asking(bob, "get", path).status_code == 404
    assert asking(ada, "get", path).status_code == 403
    nobody = f"{PATH}{session.pk}/sessions/"
    assert asking(grace, "get", nobody).status_code == 404
