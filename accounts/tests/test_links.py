"""Registering by mail, proving an address, choosing a new password."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core import mail
from django.db import connection

from accounts import constants, errors, services
from accounts.models import OneTimeToken, User
from accounts.services import links, notices
from core import clock
from core.models import AuditEvent, OutboxEvent
from tests.mailbox import join, mails_to, newest_token, run_jobs
from tests.people import PASSWORD, Person

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "a completely different sentence"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """Let people ask for links as often as they like."""
    monkeypatch.setattr(constants, "LINK_PAUSE_S", -1)


def test_registered_person_logs_in_only_after_proving_the_address():
    services.register_user(email="eve@example.org", password=PASSWORD)
    run_jobs()
    with pytest.raises(errors.LoginRefused):
        services.verify_login(email="eve@example.org", password=PASSWORD)
    services.verify_email(token=newest_token("eve@example.org"))
    user = services.verify_login(email="eve@example.org", password=PASSWORD)
    assert AuditEvent.objects.filter(user_id=user.pk, action="account.verify_email").count() == 1
    assert OutboxEvent.objects.filter(object_id=user.pk, topic="account.verified").count() == 1


def test_link_works_once():
    join("eve@example.org")
    with pytest.raises(errors.LinkSpent):
        services.verify_email(token=newest_token("eve@example.org"))


def test_link_of_one_purpose_opens_no_other(ada: Person):
    services.ask_for_reset(email="ada@example.org")
    token = newest_token("ada@example.org")
    with pytest.raises(errors.LinkSpent):
        services.verify_email(token=token)
    services.reset_password(token=token, password=NEW_PASSWORD)


def test_link_expires(ada: Person, monkeypatch):
    services.ask_for_reset(email="ada@example.org")
    token = newest_token("ada@example.org")
    late = clock.now() + dt.timedelta(seconds=constants.LINK_LIFETIME_S[constants.RESET] + 1)
    monkeypatch.setattr(clock, "now", lambda: late)
    with pytest.raises(errors.LinkSpent):
        services.reset_password(token=token, password=NEW_PASSWORD)
    ada.user.refresh_from_db()
    assert ada.user.check_password(PASSWORD)


@pytest.mark.parametrize("token", ["", "otl_", "x" * 128, "otl_" + "a" * 22 + "_" + "b" * 43])
def test_what_is_no_link_is_refused(token):
    with pytest.raises(errors.LinkSpent):
        services.reset_password(token=token, password=NEW_PASSWORD)


def test_only_the_hash_of_a_link_is_stored(ada: Person):
    services.ask_for_reset(email="ada@example.org")
    token = newest_token("ada@example.org")
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM one_time_token t")
        (text,) = cursor.fetchone()
    assert token not in text
    assert token[-43:] not in text


def test_registering_a_known_address_tells_its_owner_and_nobody_else(ada: Person):
    services.register_user(email="ADA@example.org", password=NEW_PASSWORD, name="Mallory")
    (told,) = mails_to("ada@example.org")
    assert told.subject == "You already have an account"
    assert "Mallory" not in str(told.body)
    assert "#token" not in str(told.body)


@pytest.mark.parametrize("stranger_is_first", [True, False])
def test_two_who_register_one_address_both_lose_their_password(stranger_is_first: bool):
    own, strange = PASSWORD, NEW_PASSWORD
    for password in (strange, own) if stranger_is_first else (own, strange):
        services.register_user(email="eve@example.org", password=password)
        run_jobs()
    chosen = "a third one that only the reader knows"
    services.reset_password(token=newest_token("eve@example.org"), password=chosen)
    for password in (own, strange):
        with pytest.raises(errors.LoginRefused):
            services.verify_login(email="eve@example.org", password=password)
    services.verify_login(email="eve@example.org", password=chosen)


def test_older_link_lets_no_password_in_that_is_disputed():
    services.register_user(email="eve@example.org", password=PASSWORD)
    older = newest_token("eve@example.org")
    services.register_user(email="eve@example.org", password=NEW_PASSWORD)
    run_jobs()
    services.verify_email(token=older)
    for password in (PASSWORD, NEW_PASSWORD):
        with pytest.raises(errors.LoginRefused):
            services.verify_login(email="eve@example.org", password=password)


def test_registering_again_at_once_changes_nothing_and_sends_nothing(monkeypatch):
    monkeypatch.setattr(constants, "LINK_PAUSE_S", 120)
    services.register_user(email="eve@example.org", password=PASSWORD)
    services.register_user(email="eve@example.org", password=NEW_PASSWORD)
    assert len(mails_to("eve@example.org")) == 1
    services.verify_email(token=newest_token("eve@example.org"))
    services.verify_login(email="eve@example.org", password=PASSWORD)


def test_verification_is_sent_again_to_those_who_need_it(ada: Person):
    services.register_user(email="eve@example.org", password=PASSWORD)
    older = newest_token("eve@example.org")
    for email in ("eve@example.org", "ada@example.org", "nobody@example.org", "no address"):
        services.ask_for_verification(email=email)
    assert [message.to for message in mail.outbox[1:]] == []
    newer = newest_token("eve@example.org")
    assert [message.to for message in mail.outbox[1:]] == [["eve@example.org"]]
    with pytest.raises(errors.LinkSpent):
        services.verify_email(token=older)
    services.verify_email(token=newer)


def test_reset_gives_a_new_password_and_proves_the_address():
    services.register_user(email="eve@example.org", password=PASSWORD)
    run_jobs()
    services.ask_for_reset(email="eve@example.org")
    services.reset_password(token=newest_token("eve@example.org"), password=NEW_PASSWORD)
    user = services.verify_login(email="eve@example.org", password=NEW_PASSWORD)
    assert (user.session_epoch, user.email_verified_at is None) == (1, False)
    assert mails_to("eve@example.org")[-1].subject == "Your password was changed"
    assert AuditEvent.objects.filter(user_id=user.pk, action="account.password_change").exists()


def test_weak_password_leaves_the_link_usable(ada: Person):
    services.ask_for_reset(email="ada@example.org")
    token = newest_token("ada@example.org")
    with pytest.raises(errors.PasswordWeak):
        services.reset_password(token=token, password="short")
    services.reset_password(token=token, password=NEW_PASSWORD)


def test_nobody_gets_a_link_to_an_account_that_is_locked(ada: Person, grace: Person):
    services.ask_for_reset(email="ada@example.org")
    token = newest_token("ada@example.org")
    services.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
    with pytest.raises(errors.LinkSpent):
        services.reset_password(token=token, password=NEW_PASSWORD)
    sent = len(mails_to("ada@example.org"))
    services.ask_for_reset(email="ada@example.org")
    assert len(mails_to("ada@example.org")) == sent


def test_link_goes_to_the_address_that_was_verified_not_to_a_twin(db):
    """Both fold to the same address, but only one mailbox is the owner's."""
    join("stra\u00dfe@example.org")
    services.ask_for_reset(email="strasse@example.org")
    run_jobs()
    assert mail.outbox[-1].to == ["stra\u00dfe@example.org"]


def test_change_needs_the_old_password(ada: Person, fresh):
    with pytest.raises(errors.PasswordWrong):
        services.change_password(old_password=NEW_PASSWORD, password=NEW_PASSWORD, actor=fresh(ada))
    services.change_password(old_password=PASSWORD, password=NEW_PASSWORD, actor=fresh(ada))
    services.verify_login(email="ada@example.org", password=NEW_PASSWORD)


def test_pause_is_kept_by_the_clock(ada: Person, monkeypatch):
    monkeypatch.setattr(constants, "LINK_PAUSE_S", 120)
    links.send_link(user=ada.user, purpose=constants.RESET)
    with pytest.raises(errors.LinkTooSoon):
        links.require_pause(user=ada.user, purpose=constants.RESET)
    OneTimeToken.objects.update(created_at=clock.now() - dt.timedelta(seconds=121))
    links.require_pause(user=ada.user, purpose=constants.RESET)


def test_mails_hold_nothing_that_others_typed(ada: Person):
    User.objects.filter(pk=ada.user.pk).update(name="Click http://evil.example")
    ada.user.refresh_from_db()
    notices.tell(ada.user, "password_changed")
    (message,) = mails_to("ada@example.org")
    assert "evil" not in str(message.body)
