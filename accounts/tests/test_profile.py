"""What people change of themselves: names, user names, the e-mail address."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from django.core import mail

from accounts import constants, errors, services
from accounts.models import User
from core import clock
from core.errors import PreconditionFailed, StepUpRequired
from core.models import AuditEvent
from sessions_app.services import start_session
from tests.mailbox import mails_to, newest_token, run_jobs
from tests.people import PASSWORD, Person, make_person

pytestmark = pytest.mark.django_db
PATH = "/api/v1/me/"


@pytest.fixture
def as_ada(ada: Person, client):
    """Return a function that sends a request as Ada, who has just logged in."""
    _, token = start_session(user=ada.user)

    def send(method: str, path: str, body=None, **headers):
        return getattr(client, method)(
            path, body, content_type="application/json",
            headers={"Authorization": f"Bearer {token}", **headers},
        )  # fmt: skip

    return send


def _named(person: Person, username: str | None) -> User:
    person.user.refresh_from_db()
    return services.update_profile(
        user_id=person.user.pk,
        version=person.user.version,
        changes={"username": username},
        actor=person.principal,
    )


def test_profile_changes_only_from_the_state_one_has_seen(as_ada, ada: Person):
    seen = as_ada("get", PATH)
    assert as_ada("patch", PATH, {"name": "Ada L."}).status_code == 428
    stale = as_ada("patch", PATH, {"name": "Ada L."}, **{"If-Match": '"v999"'})
    assert stale.status_code == 412
    assert as_ada("get", PATH).json()["name"] == "Ada"
    changes = {"name": "Ada L.", "locale": "en-GB", "public_metadata": {"theme": "dark"}}
    done = as_ada("patch", PATH, changes, **{"If-Match": seen["ETag"]})
    assert done.status_code == 200
    assert {name: done.json()[name] for name in changes} == changes
    assert as_ada("patch", PATH, changes, **{"If-Match": seen["ETag"]}).status_code == 412
    event = AuditEvent.objects.get(action="account.update")
    assert event.data == {"fields": sorted(changes)}


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "eve@example.org"},
        {"is_staff": True},
        {"private_metadata": {}},
        {"locale": "English"},
        {"name": None},
        {"public_metadata": {"a": 1}},
        {"public_metadata": {str(number): "x" * 500 for number in range(40)}},
        {"username": "a"},
        {"username": "ada@example.org"},
        {"username": "\u0430da"},
    ],
)
def test_profile_refuses_what_is_not_the_persons_to_say(as_ada, changes):
    seen = as_ada("get", PATH)
    refused = as_ada("patch", PATH, changes, **{"If-Match": seen["ETag"]})
    assert refused.status_code == 400
    assert as_ada("get", PATH).json() == seen.json()


def test_login_by_user_name_in_any_case(ada: Person):
    _named(ada, "Ada.L")
    for name in ("Ada.L", "ada.l", "ADA.L", "ada@example.org"):
        assert services.verify_login(email=name, password=PASSWORD) == ada.user
    assert mails_to("ada@example.org")[-1].subject == "Your user name was changed"
    _named(ada, None)
    with pytest.raises(errors.LoginRefused):
        services.verify_login(email="ada.l", password=PASSWORD)


def test_user_name_is_one_persons(ada: Person, bob: Person):
    _named(ada, "ada")
    with pytest.raises(errors.UsernameTaken):
        _named(bob, "ADA")
    bob.user.refresh_from_db()
    assert bob.user.username is None


def test_stranger_cannot_change_a_profile(ada: Person, bob: Person):
    with pytest.raises(errors.AccountNotFound):
        services.update_profile(
            user_id=ada.user.pk, version=1, changes={"name": "x"}, actor=bob.principal
        )
    with pytest.raises(PreconditionFailed):
        services.update_profile(
            user_id=ada.user.pk, version=2, changes={"name": "x"}, actor=ada.principal
        )
    ada.user.refresh_from_db()
    assert ada.user.name == "Ada"


def test_email_changes_once_the_new_mailbox_confirms(ada: Person, fresh):
    services.ask_for_email_change(email="Ada@Example.net", actor=fresh(ada))
    assert mails_to("ada@example.org")[-1].subject == "Somebody wants to change your e-mail address"
    ada.user.refresh_from_db()
    assert ada.user.email == "ada@example.org"
    services.confirm_email_change(token=newest_token("Ada@example.net"))
    ada.user.refresh_from_db()
    assert (ada.user.email, ada.user.email_normalized) == ("Ada@example.net", "ada@example.net")
    assert mails_to("ada@example.org")[-1].subject == "Your e-mail address was changed"
    assert services.verify_login(email="ada@example.net", password=PASSWORD) == ada.user
    with pytest.raises(errors.LoginRefused):
        services.verify_login(email="ada@example.org", password=PASSWORD)


def test_email_of_somebody_else_is_answered_alike_and_its_owner_told(as_ada, bob: Person):
    answer = as_ada("post", "/api/v1/me/email/", {"email": "BOB@example.org"})
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    (told,) = mails_to("bob@example.org")
    assert told.subject == "This e-mail address already has an account"
    assert "#token" not in str(told.body)


def test_email_that_got_an_account_meanwhile_is_not_taken_over(ada: Person, fresh):
    services.ask_for_email_change(email="new@example.org", actor=fresh(ada))
    token = newest_token("new@example.org")
    make_person("new@example.org")
    with pytest.raises(errors.LinkSpent):
        services.confirm_email_change(token=token)
    ada.user.refresh_from_db()
    assert ada.user.email == "ada@example.org"


def test_email_change_needs_a_fresh_login_and_a_pause(ada: Person, fresh):
    stale = dataclasses.replace(
        ada.principal, authenticated_at=clock.now() - dt.timedelta(seconds=301)
    )
    with pytest.raises(StepUpRequired):
        services.ask_for_email_change(email="new@example.org", actor=stale)
    assert run_jobs() == 0
    services.ask_for_email_change(email="new@example.org", actor=fresh(ada))
    with pytest.raises(errors.LinkTooSoon):
        services.ask_for_email_change(email="other@example.org", actor=fresh(ada))
    run_jobs()
    assert not [message for message in mail.outbox if message.to == ["other@example.org"]]


def test_new_password_voids_an_open_change_of_address(ada: Person, fresh, monkeypatch):
    monkeypatch.setattr(constants, "LINK_PAUSE_S", -1)
    services.ask_for_email_change(email="mallory@example.org", actor=fresh(ada))
    token = newest_token("mallory@example.org")
    services.ask_for_reset(email="ada@example.org")
    services.reset_password(
        token=newest_token("ada@example.org"), password="a completely different sentence"
    )
    with pytest.raises(errors.LinkSpent):
        services.confirm_email_change(token=token)
