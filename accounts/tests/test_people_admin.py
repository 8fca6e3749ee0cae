"""The admin's page of people: what staff read there, and what its buttons ask and do."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.errors import LinkSpent
from accounts.models import OneTimeToken, User
from core import clock
from core.models import AuditEvent
from sessions_app.models import Session
from tests.mailbox import mails_to, newest_token, run_jobs
from tests.people import PASSWORD, Person, make_person

pytestmark = pytest.mark.django_db
LIST = reverse("admin:accounts_user_changelist")
INVITE = reverse("admin:accounts_user_invite")
WHY = "Asked by telephone, ticket 4711."


@pytest.fixture
def pages(grace: Person) -> Client:
    """Grace's browser."""
    client = Client()
    client.force_login(grace.user)
    return client


def _press(pages: Client, action: str, person: Person, **more: str):
    return pages.post(LIST, {"action": action, "_selected_action": str(person.user.pk), **more})


def _confirm(pages: Client, action: str, person: Person) -> str:
    answer = _press(pages, action, person, confirmed="yes", reason=WHY)
    assert answer.status_code == 302
    return pages.get(LIST).content.decode()


@pytest.mark.parametrize(
    "action",
    [
        *("lock_out", "let_in", "force_reset", "send_link"),
        *("give_role", "close_account"),
    ],
)
def test_button_asks_why_before_anything_happens(pages, ada: Person, action: str):
    for more in ({}, {"confirmed": "yes"}, {"confirmed": "yes", "reason": "no"}):
        page = _press(pages, action, ada, **more)
        assert page.status_code == 200
        text = page.content.decode()
        assert "ada@example.org" in text
        assert 'name="reason"' in text
    assert not AuditEvent.objects.filter(user_id=ada.user.pk).exists()
    assert run_jobs() == 0


def test_staff_lock_read_why_and_let_in(pages, ada: Person, grace: Person):
    assert "Ada@example.org - done." in _confirm(pages, "lock_out", ada)
    listed = pages.get(f"{LIST}?state=locked").content.decode().split('id="result_list"')[1]
    assert "ada@example.org" in listed
    assert "grace@example.org" not in listed
    page = pages.get(reverse("admin:accounts_user_change", args=[ada.user.pk])).content.decode()
    for words in ("locked out", WHY, "Let in again"):
        assert words in page
    event = AuditEvent.objects.get(action="account.lock")
    assert (event.actor_id, event.data) == (grace.user.pk, {"reason": WHY})
    _confirm(pages, "let_in", ada)
    assert services.verify_login(email="ada@example.org", password=PASSWORD) == ada.user


def test_staff_make_somebody_choose_a_new_password(pages, ada: Person):
    assert "must choose a new password" in _confirm(pages, "force_reset", ada)
    services.reset_password(
        token=newest_token("ada@example.org"), password="a completely different sentence"
    )


def test_refusal_is_told_beside_the_name(pages, ada: Person):
    assert "Ada@example.org: The e-mail address is verified." in _confirm(pages, "send_link", ada)
    assert mails_to("ada@example.org") == []


def test_staff_invite_by_form(pages, ada: Person):
    assert "Invite somebody" in pages.get(LIST).content.decode()
    taken = pages.post(INVITE, {"email": "ADA@example.org"}).content.decode()
    assert "Somebody has this e-mail address." in taken
    assert pages.post(INVITE, {"email": "eve@example.org", "name": "Eve"}).status_code == 302
    assert mails_to("eve@example.org")[0].subject == "You are invited"
    assert "invited, no answer yet" in pages.get(LIST).content.decode()


def test_buttons_and_pages_are_for_those_who_may(ada: Person, grace: Person):
    support = make_person("sue@staff.example", role="support")
    client = Client()
    client.force_login(support.user)
    text = client.get(LIST).content.decode()
    assert "Make them choose a new password" in text
    assert "Lock out" not in text
    assert "Invite somebody" not in text
    assert client.post(INVITE, {"email": "eve@example.org"}).status_code == 403
    assert "This takes a permission you do not have." in _confirm(client, "force_reset", grace)
    grace.user.refresh_from_db()
    assert grace.user.check_password(PASSWORD)
    assert not User.objects.filter(email="eve@example.org").exists()


def _login_of_long_ago(moment: dt.timedelta) -> None:
    Session.objects.update(authenticated_at=clock.now() - moment)


def test_staff_close_an_account_after_a_fresh_login(pages, ada: Person):
    _login_of_long_ago(dt.timedelta(hours=1))
    assert "Prove again who you are" in _confirm(pages, "close_account", ada)
    ada.user.refresh_from_db()
    assert ada.user.deleted_at is None
    _login_of_long_ago(dt.timedelta())
    assert "Ada@example.org - done." in _confirm(pages, "close_account", ada)
    ada.user.refresh_from_db()
    assert (ada.user.deleted_at is not None, ada.user.is_active) == (True, False)
    assert AuditEvent.objects.get(action="account.delete").data == {"reason": WHY}
    run_jobs()
    assert len(mails_to("ada@example.org")) == 1


def test_staff_give_and_take_a_role(pages, ada: Person, grace: Person):
    for role, names in (("support", ["support"]), ("", [])):
        _press(pages, "give_role", ada, confirmed="yes", reason=WHY, role=role)
        ada.user.refresh_from_db()
        assert ada.user.is_staff is bool(role)
        assert [group.name for group in ada.user.groups.all()] == names
    assert (
        _press(pages, "give_role", ada, confirmed="yes", reason=WHY, role="king").status_code == 200
    )
    _press(pages, "give_role", grace, confirmed="yes", reason=WHY, role="")
    grace.user.refresh_from_db()
    assert grace.user.is_staff


def test_buttons_that_reach_furthest_are_for_admins(ada: Person):
    helper = make_person("helper@example.org", role="support")
    client = Client()
    client.force_login(helper.user)
    page = client.get(LIST).content.decode()
    assert "Close the account" not in page
    assert "Give a role" not in page


def test_staff_withdraw_an_invitation(pages, grace: Person):
    services.invite(email="new@example.org", actor=grace.principal)
    token = newest_token("new@example.org")
    invitation = OneTimeToken.objects.get(user__email="new@example.org")
    form = {"action": "withdraw", "_selected_action": str(invitation.pk)}
    links = reverse("admin:accounts_onetimetoken_changelist")
    assert "stop working" in pages.post(links, form).content.decode()
    pages.post(links, {**form, "confirmed": "yes", "reason": WHY})
    with pytest.raises(LinkSpent):
        services.accept_invitation(token=token, password=PASSWORD)
    assert AuditEvent.objects.get(action="account.invite_withdraw").data["reason"] == WHY
