"""The consent ledger: who agreed to what, and that nobody can say otherwise later."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from core import context
from core.errors import PermissionRefused
from core.models import AuditEvent, OutboxEvent
from core.principals import Principal
from sessions_app import constants, selectors, services
from sessions_app.errors import (
    ConsentContradicts,
    ConsentMissing,
    CookieInvalid,
    PolicyChanged,
    PolicyMissing,
    SubjectRefused,
)
from sessions_app.models import ConsentRecord, Cookie
from sessions_app.tests.cookies import (
    SERVICE,
    STAFF,
    agree,
    define,
    issue,
    resolve,
    service_key,
    token_in,
)
from tests.people import Person

pytestmark = pytest.mark.django_db
VISITOR = "visitor-0123456789"


@pytest.fixture
def ads(db) -> str:
    """A marketing cookie."""
    return define("ads", constants.MARKETING).name


def test_attack_28_marketing_cookie_waits_for_consent_and_ends_with_it(ads: str, ada: Person):
    with pytest.raises(ConsentMissing) as raised:
        issue(name=ads, user_id=ada.user.pk)
    assert raised.value.extensions["category"] == constants.MARKETING
    assert not Cookie.objects.exists()
    agree(constants.MARKETING, user_id=ada.user.pk)
    token = token_in(issue(name=ads, user_id=ada.user.pk).set_cookie)
    agree(mechanism=constants.CONSENT_WITHDRAWAL, user_id=ada.user.pk)
    with pytest.raises(CookieInvalid):
        resolve(token, name=ads)
    with pytest.raises(ConsentMissing):
        issue(name=ads, user_id=ada.user.pk)
    assert Cookie.objects.get().revoke_reason == "consent_withdrawn"


def test_necessary_cookie_needs_nobody():
    define()
    assert issue().cookie.subject_id is None


def test_nobody_in_particular_cannot_have_agreed(ads: str):
    agree(constants.MARKETING, anonymous_id=VISITOR)
    with pytest.raises(ConsentMissing):
        issue(name=ads)
    assert issue(name=ads, anonymous_id=VISITOR).cookie.subject_id is not None


def test_consent_is_to_one_category_one_person_one_policy(ads: str, ada: Person, bob: Person):
    agree(constants.ANALYTICS, user_id=ada.user.pk)
    agree(constants.MARKETING, user_id=bob.user.pk)
    with pytest.raises(ConsentMissing):
        issue(name=ads, user_id=ada.user.pk)
    issue(name=ads, user_id=bob.user.pk)
    services.publish_policy(text="Other words.", actor=STAFF)
    with pytest.raises(ConsentMissing):
        issue(name=ads, user_id=bob.user.pk)


def test_signal_of_the_browser_outweighs_an_older_yes(ads: str):
    agree(constants.MARKETING, anonymous_id=VISITOR)
    issue(name=ads, anonymous_id=VISITOR)
    with pytest.raises(ConsentMissing):
        issue(name=ads, anonymous_id=VISITOR, gpc=True)
    agree(constants.MARKETING, anonymous_id=VISITOR, gpc=True)
    issue(name=ads, anonymous_id=VISITOR, gpc=True)


@pytest.mark.parametrize(
    ("categories", "mechanism", "gpc"),
    [
        ((constants.MARKETING,), constants.CONSENT_WITHDRAWAL, False),
        ((constants.MARKETING,), constants.CONSENT_GPC, True),
        ((), constants.CONSENT_GPC, False),
    ],
)
def test_what_contradicts_itself_is_refused(categories, mechanism, gpc):
    with pytest.raises(ConsentContradicts):
        agree(*categories, mechanism=mechanism, gpc=gpc, anonymous_id=VISITOR)
    assert not ConsentRecord.objects.exists()


def test_choices_are_said_in_full(ada: Person):
    policy = services.publish_policy(text="We use.", actor=STAFF)
    said = services.Said(
        policy_version=policy.version,
        choices={constants.MARKETING: True},
        mechanism=constants.CONSENT_BANNER,
    )
    with pytest.raises(ConsentContradicts):
        services.record_consent(
            subject=services.Subject(ada.user.pk), said=said, actor=ada.principal
        )


def test_policy_shown_must_be_the_current_one(ada: Person):
    choices = dict.fromkeys(constants.CONSENT_CATEGORIES, False)
    said = services.Said(policy_version=1, choices=choices, mechanism=constants.CONSENT_BANNER)
    subject = services.Subject(ada.user.pk)
    with pytest.raises(PolicyMissing):
        services.record_consent(subject=subject, said=said, actor=ada.principal)
    services.publish_policy(text="One.", actor=STAFF)
    services.publish_policy(text="Two.", actor=STAFF)
    with pytest.raises(PolicyChanged) as raised:
        services.record_consent(subject=subject, said=said, actor=ada.principal)
    assert raised.value.extensions["version"] == 2
    with pytest.raises(PermissionRefused):
        services.publish_policy(text="Three.", actor=ada.principal)
    assert not ConsentRecord.objects.exists()


def test_subjects_are_themselves_guests_visitors_or_named_by_a_service(ada: Person, bob: Person):
    guest = Principal(kind="guest", user_id=uuid.uuid4())
    assert services.subject_of(guest).anonymous_id == f"guest:{guest.user_id}"
    assert services.subject_of(ada.principal).user_id == ada.user.pk
    with pytest.raises(SubjectRefused):
        services.subject_of(ada.principal, user_id=bob.user.pk)
    with pytest.raises(SubjectRefused):
        services.record_consent(
            subject=services.subject_of(service_key()),
            said=services.Said(policy_version=1, choices={}, mechanism=constants.CONSENT_BANNER),
            actor=SERVICE,
        )


def test_visitor_is_stored_as_a_pseudonym_and_found_again():
    first = agree(constants.MARKETING, anonymous_id=VISITOR)
    second = agree(anonymous_id=VISITOR)
    assert (first.subject_id, second.sequence) == (second.subject_id, 2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text, encode(anonymous_tag, 'escape') FROM consent_subject s")
        assert VISITOR not in str(cursor.fetchall())


def test_only_the_network_of_an_address_is_kept(ada: Person):
    for address, network in (
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
    ):
        with context.entered(context.Context(request_id="r", client_address=address)):
            assert agree(user_id=ada.user.pk).client_network == network


def test_record_is_audited_and_announced(ada: Person):
    record = agree(constants.ANALYTICS, user_id=ada.user.pk)
    event = AuditEvent.objects.get(action="consent.record")
    assert (event.user_id, event.target_id) == (ada.user.pk, str(record.pk))
    assert OutboxEvent.objects.filter(topic="consent.recorded", object_id=record.pk).exists()


def test_row_of_a_consent_cannot_be_changed_or_deleted(ada: Person):
    record = agree(constants.MARKETING, user_id=ada.user.pk)
    for change in (
        lambda: ConsentRecord.objects.filter(pk=record.pk).update(gpc=True),
        lambda: ConsentRecord.objects.filter(pk=record.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    record.refresh_from_db()
    assert record.gpc is False


def test_erased_person_leaves_a_proof_about_a_pseudonym(ada: Person):
    agree(constants.MARKETING, user_id=ada.user.pk)
    agree(user_id=ada.user.pk)
    services.forget_consents_of(user_id=ada.user.pk)
    assert services.consent_subject(services.Subject(ada.user.pk)) is None
    assert ConsentRecord.objects.count() == 2
    assert list(selectors.consent_faults()) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT r::text, s::text FROM consent_record r, consent_subject s")
        text = str(cursor.fetchall())
    assert str(ada.user.pk) not in text
    assert ada.user.email not in text
    assert agree(user_id=ada.user.pk).sequence == 1


def test_whole_chain_verifies(ada: Person, capsys):
    for _ in range(3):
        agree(constants.MARKETING, user_id=ada.user.pk)
        agree(anonymous_id=VISITOR)
    call_command("consents_verify")
    assert "as it was recorded" in capsys.readouterr().out
