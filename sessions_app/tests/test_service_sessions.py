"""Sessions of services: what their key can do, while it can, from where it can."""

from __future__ import annotations

import dataclasses

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import services as accounts
from accounts.errors import KeyInvalid
from core import clock, context
from core.errors import PermissionRefused
from core.principals import SYSTEM
from sessions_app import constants, services
from sessions_app.errors import TokenInvalid
from sessions_app.models import Session
from tests.callers import fresh, key_of
from tests.people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]
SCOPES = [constants.SESSIONS_WRITE, constants.SESSIONS_READ, "users:read"]


def _service_key(**facts):
    return accounts.create_service_key(name="shop", scope_names=SCOPES, actor=SYSTEM, **facts)


def _begun(text: str) -> tuple[Session, str]:
    return services.start_service_session(actor=accounts.authenticate_key(text))


def _from(address: str):
    return context.entered(context.Context(request_id="r", client_address=address))


def _call(method: str, path: str, token: str, body: object = None):
    return Client().generic(
        method,
        f"/api/v1/{path}",
        b"" if body is None else body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_session_is_its_key_by_another_name(ada: Person):
    for text in (_service_key()[1], key_of(ada, *SCOPES[:2])):
        session, token = _begun(text)
        principal = services.authenticate(token)
        assert principal.session_id == session.pk
        plain = dataclasses.replace(principal, session_id=None, epoch=None)
        assert plain == accounts.authenticate_key(text)


def test_service_begins_uses_and_ends_its_session_by_http():
    _, text = _service_key()
    begun = _call("POST", "sessions/", text, '{"kind": "service"}')
    assert (begun.status_code, begun.json()["session"]["kind"]) == (201, "service")
    token = begun.json()["token"]
    listed = _call("GET", "sessions/", token)
    assert [row["kind"] for row in listed.json()["items"]] == ["service"]
    assert _call("GET", "ledger-accounts/", token).json()["code"] == "AUTH_SCOPE_MISSING"
    assert _call("POST", "auth/logout/", token).status_code == 204
    assert _call("GET", "sessions/", token).status_code == 401
    assert _call("GET", "sessions/", text).status_code == 200


def test_session_costs_no_sql_when_warm(django_assert_num_queries):
    _, token = _begun(_service_key()[1])
    services.authenticate(token)
    with django_assert_num_queries(0):
        services.authenticate(token)


@pytest.mark.parametrize("how", ["revoke", "rotate", "expire"])
def test_attack_05_session_ends_with_its_key(how: str, held_clock):
    key, text = _service_key(lifetime_days=1)
    held_clock(hours=23, minutes=30)
    session, token = _begun(text)
    services.authenticate(token)
    if how == "revoke":
        accounts.revoke_api_key(key_id=key.pk, actor=SYSTEM)
        assert Session.objects.get(pk=session.pk).revoke_reason == "key_revoked"
    elif how == "rotate":
        accounts.rotate_api_key(key_id=key.pk, overlap_s=0, actor=SYSTEM)
    else:
        held_clock(minutes=31)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_session_ends_with_its_time(held_clock, settings):
    _, token = _begun(_service_key()[1])
    held_clock(seconds=settings.ENV.service_session_timeout_s - 1)
    services.authenticate(token)
    held_clock(seconds=1)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_session_of_a_locked_persons_key_is_worth_nothing(ada: Person, grace: Person):
    _, token = _begun(key_of(ada, constants.SESSIONS_WRITE))
    services.authenticate(token)
    accounts.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
    with pytest.raises(TokenInvalid):
        services.authenticate(token)


def test_session_counts_only_in_the_networks_of_its_key():
    _, text = _service_key(networks=["203.0.113.0/24"])
    with _from("203.0.113.9"):
        _, token = _begun(text)
        services.authenticate(token)
    for elsewhere in ("198.51.100.1", ""):
        with _from(elsewhere), pytest.raises(KeyInvalid):
            services.authenticate(token)


def test_only_a_key_itself_begins_one(ada: Person, grace: Person):
    key, text = _service_key()
    of_key = accounts.authenticate_key(text)
    of_session = services.authenticate(_begun(text)[1])
    accounts.revoke_api_key(key_id=key.pk, actor=SYSTEM)
    before = Session.objects.count()
    for actor in (ada.principal, grace.principal, SYSTEM, of_session, of_key):
        with pytest.raises(PermissionRefused):
            services.start_service_session(actor=actor)
    for token in (services.start_session(user=ada.user)[1], key_of(ada, constants.SESSIONS_READ)):
        assert _call("POST", "sessions/", token, '{"kind": "service"}').status_code == 403
    assert Session.objects.filter(kind="service").count() == before


def test_no_jwt_is_made_of_it():
    _, token = _begun(_service_key()[1])
    with pytest.raises(PermissionRefused):
        services.issue_access_token(actor=services.authenticate(token))


def test_other_services_hear_what_it_may():
    key, text = _service_key()
    _, token = _begun(text)
    told = services.introspect(token=token, actor=SYSTEM)
    assert told["kind"] == "service"
    assert told["client_id"] == str(key.pk)
    assert told["scope"].split() == sorted(SCOPES)
    assert told["exp"] - clock.now().timestamp() <= 3_600


def test_database_keeps_kind_and_key_together(ada: Person):
    session, _ = services.start_session(user=ada.user)
    key, _ = accounts.create_api_key(name="x", scope_names=SCOPES[:1], actor=fresh(ada))
    for changes in ({"kind": "service"}, {"api_key_id": key.pk}):
        with (
            pytest.raises(IntegrityError, match="session_of_service_has_key"),
            transaction.atomic(),
        ):
            Session.objects.filter(pk=session.pk).update(**changes)
