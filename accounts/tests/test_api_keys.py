"""API keys: what one is worth, where, and how long."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import constants, errors, key_format, services
from accounts.constants import ACCOUNT_READ, API_KEY_OVERLAP_S_MAX
from accounts.models import ApiKey
from accounts.services.access import end_logins
from core import clock, context, remembered, scopes
from core.errors import PermissionRefused, ScopeMissing, StepUpRequired
from core.models import AuditEvent, OutboxEvent
from core.principals import HOUSE_USER_ID, SYSTEM, Principal
from sessions_app.services import authenticate, start_session
from tests.mailbox import mails_to
from tests.people import Person

pytestmark = pytest.mark.django_db
LOOK = scopes.Scope("test:look", "look around", frozenset({"accounts.view_user"}))


@pytest.fixture(autouse=True)
def commits(monkeypatch):
    """Let what waits for a commit happen at once: these tests never commit."""
    monkeypatch.setattr(
        services.api_keys,
        "forget_cached_keys",
        lambda *, user_id: remembered.forget_user(user_id),
    )


@pytest.fixture
def look(monkeypatch):
    """A scope that carries a permission."""
    monkeypatch.setitem(scopes._scopes, LOOK.name, LOOK)
    return LOOK.name


@pytest.fixture
def held_clock(monkeypatch):
    """A clock that stands still until it is moved."""
    moment = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: moment[0])

    def move(**by) -> None:
        moment[0] += dt.timedelta(**by)

    return move


def fresh(person: Person) -> Principal:
    """Return who the person is right after a login."""
    return Principal(
        kind=person.principal.kind,
        user_id=person.user.pk,
        permissions=person.principal.permissions,
        authenticated_at=clock.now(),
    )


def made(person: Person, *names: str, **facts) -> tuple[ApiKey, str]:
    """Make a key of a person."""
    return services.create_api_key(
        name="test", scope_names=names or (ACCOUNT_READ,), actor=fresh(person), **facts
    )


def refused(text: str) -> bool:
    """Return whether the key is refused."""
    try:
        services.authenticate_key(text)
    except errors.KeyInvalid:
        return True
    return False


def test_key_acts_for_its_owner_within_its_scopes(ada: Person):
    key, text = made(ada)
    principal = services.authenticate_key(text)
    assert (principal.kind, principal.user_id, principal.key_id) == ("key", ada.user.pk, key.pk)
    assert principal.scopes == {ACCOUNT_READ}
    assert principal.permissions == frozenset()
    assert AuditEvent.objects.filter(action="api_key.create", target_id=str(key.pk)).count() == 1
    assert OutboxEvent.objects.filter(topic="api_key.created", object_id=key.pk).count() == 1


def test_key_is_only_stored_as_its_hash(ada: Person):
    _, text = made(ada)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k::text FROM api_key k UNION ALL SELECT a::text FROM audit_event a "
            "UNION ALL SELECT o::text FROM outbox_event o"
        )
        stored = "".join(row[0] for row in cursor.fetchall())
    secret = text.removeprefix(ApiKey.objects.get().begins_with)
    assert secret[1:44] not in stored
    assert hashlib.sha256(text.encode()).hexdigest() in stored


def test_warm_check_costs_no_sql(ada: Person, django_assert_num_queries):
    _, text = made(ada)
    with django_assert_num_queries(2):
        first = services.authenticate_key(text)
    with django_assert_num_queries(0):
        again = services.authenticate_key(text)
    assert first == again


def test_last_use_is_written_at_most_once_a_minute(ada: Person, held_clock):
    key, text = made(ada)
    running = context.Context(request_id="r", client_address="203.0.113.7")
    for seconds, expected in ((0, 0), (59, 0), (1, 60), (30, 60), (31, 121)):
        held_clock(seconds=seconds)
        remembered.forget_user(ada.user.pk)
        with context.entered(running):
            services.authenticate_key(text)
        key.refresh_from_db()
        assert key.last_used_at == key.created_at + dt.timedelta(seconds=expected)
    assert key.last_used_address == "203.0.113.7"


def test_mistyped_key_is_refused_without_asking_anybody(ada: Person, django_assert_num_queries):
    _, text = made(ada)
    swapped = text[:50] + text[51] + text[50] + text[52:]
    assert swapped != text
    wrong = [swapped, text[:-1], text + "0", text.lower(), text + "\n", "srk_", "srk_" + "é" * 93]
    with django_assert_num_queries(0):
        for typo in wrong:
            assert refused(typo), typo


def test_well_formed_key_that_nobody_made_is_refused(ada: Person):
    key, _ = made(ada)
    assert refused(key_format.make_key(key_id=key.pk, user_id=ada.user.pk))
    assert refused(key_format.make_key(key_id=uuid.uuid4(), user_id=ada.user.pk))


def test_key_of_another_owner_in_its_clear_part_is_refused(ada: Person, bob: Person):
    key, _ = made(ada)
    assert refused(key_format.make_key(key_id=key.pk, user_id=bob.user.pk))


@pytest.mark.parametrize("warm", [True, False])
def test_revoked_key_is_refused_at_once(ada: Person, warm: bool):
    key, text = made(ada)
    if warm:
        services.authenticate_key(text)
    services.revoke_api_key(key_id=key.pk, actor=ada.principal)
    assert refused(text)
    services.revoke_api_key(key_id=key.pk, actor=ada.principal)
    assert AuditEvent.objects.filter(action="api_key.revoke").count() == 1


def test_expired_key_is_refused_also_when_it_was_remembered(ada: Person, held_clock):
    _, text = made(ada, lifetime_days=1)
    held_clock(days=1, seconds=-1)
    services.authenticate_key(text)
    held_clock(seconds=1)
    assert refused(text)


def test_old_key_works_during_the_overlap_and_not_after(ada: Person, held_clock):
    old, old_text = made(ada)
    services.authenticate_key(old_text)
    new, new_text = services.rotate_api_key(key_id=old.pk, overlap_s=3_600, actor=fresh(ada))
    held_clock(seconds=3_599)
    assert services.authenticate_key(old_text).key_id == old.pk
    assert services.authenticate_key(new_text).key_id == new.pk
    held_clock(seconds=1)
    assert refused(old_text)
    assert services.authenticate_key(new_text).scopes == {ACCOUNT_READ}
    old.refresh_from_db()
    assert old.replaced_by_id == new.pk
    assert new.expires_at is not None
    assert new.expires_at - new.created_at == dt.timedelta(days=365)


def test_rotation_without_overlap_ends_the_old_key_at_once(ada: Person):
    old, text = made(ada)
    services.authenticate_key(text)
    services.rotate_api_key(key_id=old.pk, overlap_s=0, actor=fresh(ada))
    assert refused(text)


def test_key_is_rotated_once(ada: Person):
    old, _ = made(ada)
    services.rotate_api_key(key_id=old.pk, actor=fresh(ada))
    with pytest.raises(errors.ApiKeyEnded):
        services.rotate_api_key(key_id=old.pk, actor=fresh(ada))
    assert ApiKey.objects.count() == 2


def test_database_refuses_a_longer_overlap_and_a_key_without_end(ada: Person):
    key, _ = made(ada)
    now = clock.now()
    with pytest.raises(IntegrityError, match="api_key_replaced_as_a_whole"), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(
            replaced_at=now,
            replaced_by_id=uuid.uuid4(),
            overlap_until=now + dt.timedelta(seconds=API_KEY_OVERLAP_S_MAX + 1),
        )
    with pytest.raises(IntegrityError, match="api_key_of_person_ends"), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(expires_at=None)
    with pytest.raises(IntegrityError, match="api_key_may_something"), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(scopes=[])


@pytest.mark.parametrize(
    ("address", "works"),
    [
        ("203.0.113.7", True),
        ("203.0.114.7", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("", False),
    ],
)
def test_key_works_only_from_its_networks(ada: Person, address: str, works: bool):
    _, text = made(ada, networks=["203.0.113.0/24", "2001:db8::/32"])
    for _ in range(2):
        with context.entered(context.Context(request_id="r", client_address=address)):
            assert refused(text) is not works
    assert (ApiKey.objects.get().last_used_at is not None) is works


def test_networks_that_are_none_are_refused_by_name(ada: Person):
    with pytest.raises(errors.NetworkInvalid) as caught:
        made(ada, networks=["203.0.113.0/24", "203.0.113.7/24", "example.org"])
    pointers = [fault["pointer"] for fault in caught.value.extensions["errors"]]
    assert pointers == ["#/allowed_cidrs/1", "#/allowed_cidrs/2"]
    assert not ApiKey.objects.exists()


def test_locked_owner_takes_their_keys_along_for_good(ada: Person, grace: Person):
    _, text = made(ada)
    services.authenticate_key(text)
    services.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
    remembered.forget_user(ada.user.pk)
    assert refused(text)
    services.set_active(user=ada.user, is_active=True, actor=grace.principal, reason="a test")
    remembered.forget_user(ada.user.pk)
    assert refused(text)


def test_key_that_a_reset_overtakes_is_born_dead(ada: Person):
    """A thief's request waits for the row that the reset holds, and goes on after it."""
    thief = authenticate(start_session(user=ada.user)[1])
    end_logins(user_id=ada.user.pk, actor=ada.principal, reason="reset")
    _, text = services.create_api_key(name="x", scope_names=[ACCOUNT_READ], actor=thief)
    assert refused(text)


def test_scope_beyond_the_owner_is_refused(ada: Person, look: str):
    with pytest.raises(errors.ScopeBeyondReach) as caught:
        made(ada, ACCOUNT_READ, look, "no:such")
    assert caught.value.extensions["scopes"] == ["no:such", look]
    assert not ApiKey.objects.exists()


def test_scope_carries_its_permission_until_the_owner_loses_it(grace: Person, look: str):
    _, text = made(grace, ACCOUNT_READ, look)
    assert services.authenticate_key(text).permissions == LOOK.permissions
    grace.user.groups.clear()
    remembered.forget_user(grace.user.pk)
    principal = services.authenticate_key(text)
    assert principal.scopes == {ACCOUNT_READ}
    assert not principal.may("accounts.view_user")


def test_making_a_key_asks_for_a_fresh_login(ada: Person):
    key, text = made(ada)
    with pytest.raises(StepUpRequired):
        services.create_api_key(name="x", scope_names=[ACCOUNT_READ], actor=ada.principal)
    with pytest.raises(StepUpRequired):
        services.rotate_api_key(key_id=key.pk, actor=ada.principal)
    with pytest.raises(ScopeMissing):
        services.create_api_key(
            name="x", scope_names=[ACCOUNT_READ], actor=services.authenticate_key(text)
        )
    assert ApiKey.objects.count() == 1


def test_stranger_can_neither_rotate_nor_revoke(ada: Person, bob: Person):
    key, text = made(ada)
    with pytest.raises(errors.ApiKeyNotFound):
        services.rotate_api_key(key_id=key.pk, actor=fresh(bob))
    with pytest.raises(errors.ApiKeyNotFound):
        services.revoke_api_key(key_id=key.pk, actor=bob.principal)
    assert services.authenticate_key(text).user_id == ada.user.pk


def test_owner_has_a_limited_number_of_working_keys(ada: Person, monkeypatch):
    monkeypatch.setattr(constants, "API_KEYS_PER_OWNER_MAX", 2)
    first, _ = made(ada)
    made(ada)
    with pytest.raises(errors.ApiKeysTooMany):
        made(ada)
    services.rotate_api_key(key_id=first.pk, actor=fresh(ada))
    assert ApiKey.objects.count() == 3


def test_service_key_acts_for_the_house_with_its_scopes(grace: Person, look: str):
    key, text = services.create_service_key(
        name="introspector", scope_names=[look], lifetime_days=None, actor=SYSTEM
    )
    principal = services.authenticate_key(text)
    assert (principal.user_id, key.expires_at) == (HOUSE_USER_ID, None)
    assert principal.may("accounts.view_user")
    assert not principal.may("accounts.change_user")
    services.revoke_api_key(key_id=key.pk, actor=grace.principal, reason="by_staff")
    assert refused(text)


def test_only_those_with_the_permission_make_service_keys(ada: Person, grace: Person, look: str):
    with pytest.raises(PermissionRefused):
        services.create_service_key(name="x", scope_names=[ACCOUNT_READ], actor=ada.principal)
    key, _ = services.create_service_key(name="x", scope_names=[look], actor=grace.principal)
    assert key.created_by_id == grace.user.pk


def test_owner_hears_of_every_new_key_but_not_the_key(ada: Person):
    key, text = made(ada)
    _, again = services.rotate_api_key(key_id=key.pk, actor=fresh(ada))
    services.create_service_key(name="house", scope_names=[ACCOUNT_READ], actor=SYSTEM)
    mails = mails_to("ada@example.org")
    assert len(mails) == 2
    for mail in mails:
        assert "API key" in mail.subject
        assert not {text, again, key_format.PREFIX} & set(mail.body.split())
        assert key_format.PREFIX not in str(mail.body)
