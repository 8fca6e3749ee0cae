"""Attacks on every path there is, driven by the URL map: a new path is attacked unasked.

The numbers are those of the catalogue of attacks that this service is built against.
"""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import services as accounts
from accounts.models import ApiKey
from core import clock, scopes
from core.principals import SYSTEM
from sessions_app.models import Session
from sessions_app.querysets import CookieJarQuerySet
from sessions_app.services import start_session
from tests import endpoints
from tests.callers import NO_SCOPE, Callers, an_app, fresh
from tests.endpoints import Operation
from tests.people import Person

pytestmark = pytest.mark.django_db
OPERATIONS = endpoints.operations()
CLOSED = [operation for operation in OPERATIONS if not operation.is_public]
NOBODYS = uuid.UUID("01a1fc61-0203-703c-973a-a31d52667ef1")
# What could hurt most asks for a login of a moment ago.
STARRED = {
    "DELETE me/deletion/",
    "DELETE me/mfa/factors/<uuid:factor_id>/",
    "DELETE sessions/<uuid:session_id>/",
    "DELETE users/<uuid:user_id>/",
    "POST auth/password/change/",
    "POST me/api-keys/",
    "POST me/api-keys/<uuid:key_id>/rotate/",
    "POST me/deletion/",
    "POST me/email/",
    "POST me/export/",
    "POST me/mfa/factors/",
    "POST me/mfa/recovery-codes/",
    "POST sessions/revoke-all/",
    "POST sessions/revoke-others/",
    "POST transactions/<uuid:transaction_id>/reverse/",
    "POST users/<uuid:user_id>/impersonate/",
    "POST users/<uuid:user_id>/role/",
    "POST users/import/",
    "POST webhooks/",
    "POST webhooks/<uuid:endpoint_id>/rotate-secret/",
}
# Whose cookies were taken away is written down.
READING_WRITES = {'GET jars/<uuid:jar_id>/export/: INSERT INTO "audit_event"'}
OTHERS_NAMES = ("user_id", "owner_id", "actor_id", "user", "owner")


def ask(
    operation: Operation, token: str | None, callers: Callers, body: Any = None, **values: object
) -> Any:
    """Ask, and take back what it did; the answer says what would have been done."""
    with transaction.atomic():
        given = callers.bodies.get(str(operation)) if body is None else body
        answer = operation.ask(token, {**callers.things, **values}, given)
        transaction.set_rollback(True)
    return answer


# Whatever an application puts there is its own text, a user_id too.
FREE_FORM = "PATCH sessions/current/data/"
# Nobody's in particular: staff read it, everybody else is told that it is not for them.
STAFF_READ = {"GET cookie-definitions/<uuid:definition_id>/"}


def rows_of(person: Person) -> dict[str, list[str]]:
    """Return every row in the database that names this person, by table."""
    tables = [model._meta.db_table for model in apps.get_models()]
    each = [f"SELECT '{name}', t::text FROM \"{name}\" t" for name in tables]
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM ({' UNION ALL '.join(each)}) AS any_row (name, content) "
            "WHERE content LIKE %s ORDER BY 1, 2",
            [f"%{person.user.pk}%"],
        )
        for name, content in cursor.fetchall():
            found.setdefault(name, []).append(content)
    return found


def test_attack_18_half_a_login_opens_nothing(callers: Callers, ada: Person):
    an_app(ada, confirmed_at=clock.now())
    question = accounts.ask_for_factor(user=ada.user)
    assert question is not None
    for operation in CLOSED:
        answer = ask(operation, question.token, callers)
        assert (answer.status_code, answer.json()["code"]) == (401, "AUTH_TOKEN_INVALID"), str(
            operation
        )


def test_attack_19_no_starred_path_takes_a_login_of_long_ago(callers: Callers, ada: Person):
    session, token = start_session(user=ada.user)
    long_ago = clock.now() - dt.timedelta(minutes=6)
    Session.objects.filter(pk=session.pk).update(authenticated_at=long_ago)
    staff = Session.objects.filter(user__email="admin@staff.example")
    staff.update(authenticated_at=long_ago)
    asking = set()
    for operation in CLOSED:
        for stale in (token, callers.tokens["admin"]):
            answer = ask(operation, stale, callers)
            if answer.status_code == 401 and answer.json()["code"] == "AUTH_STEP_UP_REQUIRED":
                assert "insufficient_user_authentication" in answer["WWW-Authenticate"]
                asking.add(str(operation))
    assert asking == STARRED


@pytest.mark.parametrize("name", OTHERS_NAMES)
def test_attack_21_nobody_acts_for_another_by_naming_them(callers: Callers, bob: Person, name: str):
    before = rows_of(bob)
    for operation in OPERATIONS:
        if operation.method not in ("post", "put", "patch") or str(operation) == FREE_FORM:
            continue
        own = callers.bodies.get(str(operation)) or operation.example or {}
        with transaction.atomic():
            answer = operation.ask(
                callers.tokens["owner"], callers.things, {**own, name: str(bob.user.pk)}
            )
            assert rows_of(bob) == before, str(operation)
            transaction.set_rollback(True)
        if own and answer.status_code == 400:
            faults = [fault["pointer"] for fault in answer.json().get("errors", [])]
            assert f"#/{name}" in faults, (str(operation), answer.json())
        elif own:
            assert answer.status_code >= 400, str(operation)


def test_attack_22_what_belongs_to_another_is_as_if_it_were_not_there(
    callers: Callers, ada: Person
):
    stranger = callers.tokens["stranger"]
    nothing = dict.fromkeys(callers.things, NOBODYS)
    before = rows_of(ada)
    for operation in CLOSED:
        if not operation.parameters:
            continue
        with transaction.atomic():
            theirs = operation.ask(stranger, callers.things, callers.bodies.get(str(operation)))
            assert rows_of(ada) == before, str(operation)
            transaction.set_rollback(True)
        nobodys = ask(operation, stranger, callers, **nothing)
        # What is for staff only says so of everything alike.
        assert theirs.status_code in (404, 403), str(operation)
        assert (theirs.status_code, theirs.json()["code"]) == (
            nobodys.status_code,
            nobodys.json()["code"],
        ), str(operation)
        if operation.method == "get" and str(operation) not in STAFF_READ:
            assert theirs.status_code == 404, str(operation)


def test_attack_24_reading_changes_nothing(callers: Callers):
    """What a page of others can make a browser fetch; that somebody was there is written down."""
    written: set[str] = set()
    for operation in OPERATIONS:
        if operation.method != "get":
            continue
        for who in ("owner", "admin"):
            with CaptureQueriesContext(connection) as asked:
                ask(operation, callers.tokens[who], callers)
            statements = [query["sql"].partition("*/")[2].split() for query in asked]
            written |= {
                f"{operation}: {' '.join(words[:3])}"
                for words in statements
                if words and words[0].upper() in ("INSERT", "UPDATE", "DELETE", "CALL")
            }
    assert written == READING_WRITES


def test_planted_hole_is_found(callers: Callers, ada: Person, monkeypatch):
    monkeypatch.setattr(CookieJarQuerySet, "of_owner", lambda rows, user_id: rows)
    with pytest.raises(AssertionError, match="jars/<uuid:jar_id>"):
        test_attack_22_what_belongs_to_another_is_as_if_it_were_not_there(callers, ada)


def test_attack_23_key_opens_only_what_its_scope_names(callers: Callers):
    every = frozenset(scope.name for scope in scopes.known())
    assert len(every) > 5

    @functools.cache
    def key_with(names: frozenset[str]) -> str:
        made = accounts.create_service_key(name="x", scope_names=sorted(names), actor=SYSTEM)
        return made[1]

    def is_refused(operation: Operation, names: frozenset[str]) -> bool:
        answer = ask(operation, key_with(names), callers)
        return answer.status_code == 403 and answer.json()["code"] == "AUTH_SCOPE_MISSING"

    for operation in CLOSED:
        named = frozenset({operation.scope} if operation.scope else ())
        assert is_refused(operation, every - named), str(operation)
        assert not named or not is_refused(operation, named), str(operation)


def test_attack_23_every_scope_a_path_names_is_declared():
    declared = {scope.name for scope in scopes.known()}
    assert {operation.scope for operation in OPERATIONS} - {None} <= declared


@pytest.fixture
def dead_keys(ada: Person, monkeypatch) -> dict[str, str]:
    """Keys with every scope a person can give, none of which is worth anything."""
    names = scopes.within([scope.name for scope in scopes.known()], permissions=())

    def made(**facts: Any) -> tuple[ApiKey, str]:
        return accounts.create_api_key(name="dead", scope_names=[*names], actor=fresh(ada), **facts)

    expired, expired_text = made()
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=clock.now())
    revoked, revoked_text = made()
    accounts.revoke_api_key(key_id=revoked.pk, actor=ada.principal)
    rotated, rotated_text = made()
    accounts.rotate_api_key(key_id=rotated.pk, overlap_s=0, actor=fresh(ada))
    _, elsewhere = made(networks=["203.0.113.0/24"])
    _, good = made()
    mistyped = good[:-1] + ("0" if good[-1] != "0" else "1")
    return {
        "expired": expired_text,
        "revoked": revoked_text,
        "rotated": rotated_text,
        "elsewhere": elsewhere,
        "mistyped": mistyped,
    }


@pytest.mark.parametrize("why", ["expired", "revoked", "rotated", "elsewhere", "mistyped"])
def test_attack_23_dead_key_opens_nothing(callers: Callers, dead_keys: dict[str, str], why: str):
    for operation in CLOSED:
        answer = ask(operation, dead_keys[why], callers)
        assert (answer.status_code, answer.json()["code"]) == (401, "AUTH_KEY_INVALID"), str(
            operation
        )


def test_attack_23_rotated_key_opens_until_its_overlap_ends(ada: Person, monkeypatch):
    me = next(operation for operation in OPERATIONS if str(operation) == "GET me/")
    old, text = accounts.create_api_key(name="old", scope_names=[str(me.scope)], actor=fresh(ada))
    _, new = accounts.rotate_api_key(key_id=old.pk, overlap_s=60, actor=fresh(ada))
    assert [me.ask(key, {}).status_code for key in (text, new)] == [200, 200]
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + dt.timedelta(seconds=61))
    assert [me.ask(key, {}).status_code for key in (text, new)] == [401, 200]


def test_walk_attacks_something():
    assert len(CLOSED) > 40
    assert NO_SCOPE.name not in {operation.scope for operation in OPERATIONS}
