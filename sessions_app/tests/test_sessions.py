"""Sessions: what a token is worth, and when it stops being worth anything."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import secrets
import uuid

import pytest
from django.contrib.auth import SESSION_KEY
from django.db import connection

from accounts import services as accounts
from accounts.models import User
from core import cache
from core.models import AuditEvent, OutboxEvent
from sessions_app import constants, selectors, services, session_cache, tokens
from sessions_app.engine import SessionStore
from sessions_app.errors import RefreshRefused, SessionNotFound, TokenInvalid
from sessions_app.models import Session
from tests.people import PASSWORD, Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]


def test_token_is_only_stored_as_its_hash(ada: Person):
    session, token = services.start_session(user=ada.user)
    key = tokens.key_of(token)
    assert key is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT s::text FROM session s")
        (text,) = cursor.fetchone()
    assert token not in text
    assert token.rsplit("_", 1)[1] not in text
    assert bytes(session.token_sha256) == key.sha256
    assert AuditEvent.objects.filter(action="session.start", target_id=str(session.pk)).exists()
    assert OutboxEvent.objects.filter(topic="session.started", object_id=session.pk).exists()
    with pytest.raises(TokenInvalid):
        services.authenticate(f"srs_{token.split('_')[1]}_{key.sha256.hex()[:43]}")


def test_tokens_are_made_of_256_random_bits(ada: Person, monkeypatch):
    asked: list[int] = []
    real = secrets.token_bytes

    def counted(count: int) -> bytes:
        asked.append(count)
        return real(count)

    monkeypatch.setattr("core.tokens.secrets.token_bytes", counted)
    made = {services.start_session(user=ada.user)[1] for _ in range(20)}
    assert len({token.rsplit("_", 1)[1] for token in made}) == 20
    assert asked.count(32) >= 20
    assert all(len(base64.urlsafe_b64decode(token[-43:] + "=")) == 32 for token in made)


def test_new_password_ends_all_other_sessions(ada: Person, fresh):
    kept, own = services.start_session(user=ada.user)
    others = [services.start_session(user=ada.user)[1] for _ in range(2)]
    grant = services.start_refreshed_session(user=ada.user)
    accounts.change_password(
        old_password=PASSWORD,
        password="a completely different sentence",
        actor=dataclasses.replace(fresh(ada), session_id=kept.pk),
    )
    assert services.authenticate(own).session_id == kept.pk
    for token in (*others, grant.token):
        with pytest.raises(TokenInvalid):
            services.authenticate(token)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)


def test_attack_03_hash_from_a_dump_of_the_database_opens_nothing(ada: Person):
    session, token = services.start_session(user=ada.user)
    stored = bytes(session.token_sha256)
    routed = token.split("_")[1]
    for text in (
        stored.hex(),
        base64.urlsafe_b64encode(stored).decode(),
        f"srs_{routed}_{base64.urlsafe_b64encode(stored).decode().rstrip('=')}",
        tokens.make_token(ada.user.pk, stored),
        tokens.make_token(ada.user.pk),
    ):
        with pytest.raises(TokenInvalid):
            services.authenticate(text)
    assert services.authenticate(token).session_id == session.pk


def test_warm_check_costs_no_sql(ada: Person, django_assert_num_queries):
    session, token = services.start_session(user=ada.user)
    with django_assert_num_queries(1):
        first = services.authenticate(token)
    with django_assert_num_queries(0):
        again = services.authenticate(token)
    assert first == again
    assert (again.user_id, again.session_id, again.kind) == (ada.user.pk, session.pk, "user")


def test_staff_permissions_travel_with_the_session(grace: Person):
    _, token = services.start_session(user=grace.user)
    services.authenticate(token)
    principal = services.authenticate(token)
    assert principal.kind == "staff"
    assert principal.may("transactions.post_any_transaction")
    assert not principal.may("auth.delete_group")


MALFORMED = [
    *(
        "",
        "x",
        "srs_",
        "srs__",
        "Bearer",
        "srs_" + "a" * 22 + "_" + "b" * 42,
        "é" * 70,
        "x" * 10_000,
    ),
    "srs_" + "a" * 22 + "_" + "b" * 43 + "\n",
]


@pytest.mark.parametrize("token", MALFORMED)
def test_malformed_token_is_refused_without_asking_anybody(token, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_unknown_token_is_refused(ada: Person):
    with pytest.raises(TokenInvalid):
        services.authenticate(tokens.make_token(ada.user.pk))


@pytest.mark.parametrize("warm", [True, False])
def test_ended_session_is_refused_at_once(ada: Person, warm: bool):
    session, token = services.start_session(user=ada.user)
    if warm:
        services.authenticate(token)
    services.end_session(session_id=session.pk, actor=ada.principal)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)
    session.refresh_from_db()
    assert session.revoke_reason == "logout"
    events = OutboxEvent.objects.filter(topic="session.ended").count()
    services.end_session(session_id=session.pk, actor=ada.principal)
    assert OutboxEvent.objects.filter(topic="session.ended").count() == events


def test_what_was_read_before_an_end_is_not_believed_after_it(ada: Person):
    """A slow reader stores its old knowledge after the revocation: it must not count."""
    session, token = services.start_session(user=ada.user)
    key = tokens.key_of(token)
    assert key is not None
    name = session_cache.name_of_token(key)
    _, generation = session_cache.recall(name, user_id=key.user_id)
    facts = selectors.facts_of(Session.objects.with_factor().get(pk=session.pk))
    services.end_session(session_id=session.pk, actor=ada.principal)
    session_cache.remember(name, facts, generation=generation)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_stranger_cannot_end_a_session_and_it_stays_alive(ada: Person, bob: Person):
    session, token = services.start_session(user=ada.user)
    with pytest.raises(SessionNotFound):
        services.end_session(session_id=session.pk, actor=bob.principal)
    with pytest.raises(SessionNotFound):
        services.end_session(session_id=uuid.uuid4(), actor=bob.principal)
    assert services.authenticate(token).user_id == ada.user.pk


def test_staff_with_the_permission_can_end_any_session(ada: Person, grace: Person):
    session, token = services.start_session(user=ada.user)
    services.end_session(session_id=session.pk, actor=grace.principal, reason="ended_by_staff")
    with pytest.raises(TokenInvalid):
        services.authenticate(token)
    assert AuditEvent.objects.get(action="session.end").actor_id == grace.user.pk


def test_ending_the_others_leaves_the_one_that_asks(ada: Person, bob: Person):
    own = [services.start_session(user=ada.user)[1] for _ in range(3)]
    other = services.start_session(user=bob.user)[1]
    actor = services.authenticate(own[0])
    assert services.end_other_sessions(actor=actor) == 2
    assert services.authenticate(own[0]).user_id == ada.user.pk
    assert services.authenticate(other).user_id == bob.user.pk
    for token in own[1:]:
        with pytest.raises(TokenInvalid):
            services.authenticate(token)


def test_locking_a_person_ends_their_sessions(ada: Person, grace: Person, monkeypatch):
    _, token = services.start_session(user=ada.user)
    services.authenticate(token)
    accounts.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
    session_cache.forget_user(ada.user.pk)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)
    accounts.set_active(user=ada.user, is_active=True, actor=grace.principal, reason="a test")
    session_cache.forget_user(ada.user.pk)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


@pytest.mark.parametrize("change", [{"session_epoch": 7}, {"is_active": False}])
def test_attack_05_raised_epoch_or_deactivation_alone_ends_every_session(ada: Person, change):
    _, token = services.start_session(user=ada.user)
    grant = services.start_refreshed_session(user=ada.user)
    User.objects.filter(pk=ada.user.pk).update(**change)
    cache_forgets(ada)
    for known in (token, grant.token):
        with pytest.raises(TokenInvalid):
            services.authenticate(known)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)


def test_idle_session_ends(ada: Person, held_clock, settings):
    _, token = services.start_session(user=ada.user)
    held_clock(seconds=settings.ENV.session_idle_timeout_s - 1)
    services.authenticate(token)
    cache_forgets(ada)
    held_clock(seconds=settings.ENV.session_idle_timeout_s + 1)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_session_in_use_ends_at_its_absolute_limit(ada: Person, held_clock, settings):
    _, token = services.start_session(user=ada.user)
    step = settings.ENV.session_idle_timeout_s // 2
    for _ in range(settings.ENV.session_absolute_timeout_s // step - 1):
        held_clock(seconds=step)
        cache_forgets(ada)
        services.authenticate(token)
    held_clock(seconds=step + 1)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_last_use_is_written_at_most_once_a_minute(ada: Person, held_clock):
    session, token = services.start_session(user=ada.user)
    began = session.last_seen_at
    for seconds, expected in ((59, 0), (1, 60), (30, 60), (31, 121)):
        held_clock(seconds=seconds)
        cache_forgets(ada)
        services.authenticate(token)
        session.refresh_from_db()
        assert session.last_seen_at == began + dt.timedelta(seconds=expected)


def test_forgotten_generation_is_a_miss_not_an_error(ada: Person):
    _, token = services.start_session(user=ada.user)
    services.authenticate(token)
    cache.SERVER.client().flushdb()
    assert services.authenticate(token).user_id == ada.user.pk


def cache_forgets(person: Person) -> None:
    """Stand in for the minute after which a remembered check is not believed any more."""
    session_cache.forget_user(person.user.pk)


def _staff_store(person: Person) -> SessionStore:
    store = SessionStore()
    store.create()
    store[SESSION_KEY] = str(person.user.pk)
    store.save()
    assert store.session_key is not None
    return store


def test_admin_session_is_a_row_like_every_other(grace: Person):
    store = _staff_store(grace)
    row = Session.objects.get(user=grace.user)
    assert row.kind == constants.KIND_STAFF
    assert str(store.session_key) not in str(row.data)
    assert SessionStore(store.session_key)[SESSION_KEY] == str(grace.user.pk)
    store["seen"] = 1
    store.save()
    assert SessionStore(store.session_key)["seen"] == 1
    assert store.exists(str(store.session_key))


def test_ended_admin_session_is_empty(grace: Person):
    store = _staff_store(grace)
    services.end_session(session_id=Session.objects.get().pk, actor=grace.principal)
    assert SESSION_KEY not in SessionStore(store.session_key)
    assert SESSION_KEY not in SessionStore("no-such-key")


def test_logout_of_the_admin_ends_its_row(grace: Person):
    store = _staff_store(grace)
    store.flush()
    assert Session.objects.get(user=grace.user).revoked_at is not None


def test_idle_admin_session_ends(grace: Person, held_clock, settings):
    store = _staff_store(grace)
    held_clock(seconds=settings.ENV.staff_session_idle_timeout_s + 1)
    assert SESSION_KEY not in SessionStore(store.session_key)


def test_visitor_of_the_login_page_leaves_no_row():
    store = SessionStore()
    store["next"] = "/"
    store.save()
    assert not Session.objects.exists()


def test_nothing_begun_before_a_restore_counts_after_it(ada: Person):
    _, token = services.start_session(user=ada.user)
    services.authenticate(token)
    accounts.end_every_login()
    services.end_everything()
    assert not Session.objects.filter(revoked_at=None).exists()
    ada.user.refresh_from_db()
    _, again = services.start_session(user=ada.user)
    services.authenticate(again)
