"""Guests, what they put aside, and what becomes of it when they log in."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest
from django.test import Client

from core.errors import PermissionRefused, PreconditionFailed
from core.principals import SYSTEM
from sessions_app import constants, services
from sessions_app.errors import (
    SessionDataInvalid,
    SessionDataTooLarge,
    SessionNotFound,
    TokenInvalid,
)
from sessions_app.models import Session
from sessions_app.services.session_data import merged_with
from tests.callers import key_of
from tests.people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]


def _call(method: str, path: str, token: str, body: Any = None, **headers: str):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic(
        method,
        f"/api/v1/{path}",
        b"" if body is None else orjson.dumps(body),
        content_type=given.pop("Content-Type", "application/json"),
        headers={"Authorization": f"Bearer {token}", **given},
    )


def _guest_with(data: dict[str, Any]) -> tuple[Session, str]:
    session, token = services.start_guest_session(actor=SYSTEM)
    services.merge_session_data(patch=data, version=1, actor=services.authenticate(token))
    return session, token


def test_guest_has_a_session_and_nothing_else(ada: Person):
    key = key_of(ada, constants.SESSIONS_WRITE)
    begun = _call("POST", "sessions/", key)
    assert begun.status_code == 201
    token = begun.json()["token"]
    assert services.authenticate(token).kind == "guest"
    assert _call("GET", "sessions/current/data/", token).json() == {}
    for path in ("me/", "sessions/", "ledger-accounts/"):
        assert _call("GET", path, token).status_code == 403
    assert _call("POST", "auth/logout/", token).status_code == 204
    assert _call("GET", "sessions/current/data/", token).status_code == 401


def test_people_and_other_keys_begin_no_guest_session(ada: Person):
    _, token = services.start_session(user=ada.user)
    assert _call("POST", "sessions/", token).status_code == 403
    assert _call("POST", "sessions/", key_of(ada, constants.SESSIONS_READ)).status_code == 403
    assert not Session.objects.filter(kind="guest").exists()
    with pytest.raises(PermissionRefused):
        services.start_guest_session(actor=ada.principal)


def test_attack_01_token_fixed_before_the_login_is_worth_nothing_after_it(ada: Person):
    guest, fixed = _guest_with({"basket": ["tea"]})
    _, known = services.start_session(user=ada.user)
    attached = _call("POST", f"sessions/{guest.pk}/attach/", known, {"guest_token": fixed})
    assert attached.status_code == 200
    renewed = attached.json()["token"]
    for old in (fixed, known):
        with pytest.raises(TokenInvalid):
            services.authenticate(old)
    assert services.authenticate(renewed).user_id == ada.user.pk
    assert _call("GET", "sessions/current/data/", renewed).json() == {"basket": ["tea"]}


def test_attaching_keeps_what_the_person_has(ada: Person):
    guest, guest_token = _guest_with({"theme": "light", "basket": ["tea"]})
    actor = services.authenticate(services.start_session(user=ada.user)[1])
    services.merge_session_data(patch={"theme": "dark"}, version=1, actor=actor)
    session, _ = services.attach_guest_session(
        session_id=guest.pk, guest_token=guest_token, actor=actor
    )
    assert session.data == {"theme": "dark", "basket": ["tea"]}


def test_only_a_guest_session_with_its_token_can_be_attached(ada: Person, bob: Person):
    guest, guest_token = _guest_with({"basket": ["tea"]})
    own, token = services.start_session(user=ada.user)
    others, others_token = services.start_session(user=bob.user)
    actor = services.authenticate(token)
    for session_id, presented in (
        (guest.pk, others_token),
        (others.pk, others_token),
        (others.pk, guest_token),
        (own.pk, token),
        (guest.pk, "nonsense"),
    ):
        with pytest.raises(SessionNotFound):
            services.attach_guest_session(session_id=session_id, guest_token=presented, actor=actor)
    assert services.authenticate(token) == actor
    assert services.authenticate(guest_token).kind == "guest"


# RFC 7396, appendix A; a patch that is no object never reaches the merge of a session.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_is_that_of_the_rfc(target, patch, result):
    assert merged_with(target, patch) == result


def test_data_is_versioned(ada: Person):
    _, token = services.start_session(user=ada.user)
    read = _call("GET", "sessions/current/data/", token)
    assert (read.json(), read["ETag"]) == ({}, '"v1"')
    patch = {"theme": "dark", "nothing": None}
    path = "sessions/current/data/"
    assert _call("PATCH", path, token, patch).status_code == 428
    changed = _call("PATCH", path, token, patch, If_Match='"v1"')
    assert (changed.json(), changed["ETag"]) == ({"theme": "dark"}, '"v2"')
    stale = _call("PATCH", path, token, {"theme": "light"}, If_Match='"v1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "VALIDATION_ETAG_MISMATCH")
    merge = {"Content_Type": "application/merge-patch+json"}
    assert _call("PATCH", path, token, {"n": 1}, If_Match='"v2"', **merge).status_code == 200
    assert _call("GET", path, token).json() == {"theme": "dark", "n": 1}


def test_data_has_a_limit_on_both_sides(ada: Person):
    actor = services.authenticate(services.start_session(user=ada.user)[1])
    room = constants.DATA_BYTES_MAX - len('{"a":""}')
    services.merge_session_data(patch={"a": "x" * room}, version=1, actor=actor)
    with pytest.raises(SessionDataTooLarge):
        services.merge_session_data(patch={"a": "x" * (room + 1)}, version=2, actor=actor)
    assert len(Session.objects.get().data["a"]) == room


@pytest.mark.parametrize("value", ["\x00", {"\x00": 1}, [{"a": "\x00"}], 2**64, 1e400, -(2**70)])
def test_data_that_cannot_be_kept_is_refused(ada: Person, value: Any):
    actor = services.authenticate(services.start_session(user=ada.user)[1])
    with pytest.raises(SessionDataInvalid):
        services.merge_session_data(patch={"a": value}, version=1, actor=actor)
    assert Session.objects.get().data == {}


def test_data_of_a_stale_reader_changes_nothing(ada: Person):
    actor = services.authenticate(services.start_session(user=ada.user)[1])
    services.merge_session_data(patch={"a": 1}, version=1, actor=actor)
    with pytest.raises(PreconditionFailed):
        services.merge_session_data(patch={"a": 2}, version=1, actor=actor)
    with pytest.raises(SessionNotFound):
        services.merge_session_data(
            patch={}, version=1, actor=dataclasses.replace(actor, session_id=None)
        )
    assert Session.objects.get().data == {"a": 1}
