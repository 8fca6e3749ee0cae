"""API keys over HTTP: making, showing, rotating, revoking, using."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.constants import ACCOUNT_READ
from accounts.models import ApiKey
from core import scopes
from core.models import IdempotencyKey
from sessions_app.services import start_session
from tests.people import Person

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/me/api-keys/"


def call(token: str, method: str, path: str, body: object = None, **headers: str):
    return Client().generic(
        method,
        path,
        json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", **headers},
    )


@pytest.fixture
def by_ada(ada: Person) -> str:
    return start_session(user=ada.user)[1]


def make(token: str, **facts) -> dict[str, Any]:
    answer = call(token, "POST", KEYS, {"name": "export", "scopes": [ACCOUNT_READ], **facts})
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_key_is_shown_once_and_works(by_ada: str, ada: Person):
    made = make(by_ada)
    assert made["key"].startswith(made["api_key"]["begins_with"])
    assert call(made["key"], "GET", "/api/v1/me/").json()["id"] == str(ada.user.pk)
    assert call(made["key"], "HEAD", "/api/v1/me/").status_code == 200
    listed = call(by_ada, "GET", KEYS)
    assert [row["id"] for row in listed.json()["items"]] == [made["api_key"]["id"]]
    assert made["key"] not in listed.content.decode()


def test_text_of_a_key_is_never_kept_for_a_repetition(by_ada: str):
    body = {"name": "export", "scopes": [ACCOUNT_READ]}
    for _ in range(2):
        call(by_ada, "POST", KEYS, body, **{"Idempotency-Key": "once"})
    assert ApiKey.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_key_is_rotated_and_revoked(by_ada: str):
    old = make(by_ada)
    path = f"{KEYS}{old['api_key']['id']}/"
    answer = call(by_ada, "POST", f"{path}rotate/", {"overlap_s": 60})
    assert answer.status_code == 201
    new = answer.json()
    assert new["key"] != old["key"]
    for text in (old["key"], new["key"]):
        assert call(text, "GET", "/api/v1/me/").status_code == 200
    assert call(by_ada, "POST", f"{path}rotate/", {}).json()["code"] == "ACCOUNT_API_KEY_ENDED"
    assert call(by_ada, "DELETE", path).status_code == 204
    ended = ApiKey.objects.get(pk=old["api_key"]["id"])
    assert ended.revoke_reason == "by_owner"


def test_key_cannot_make_see_or_change_keys(by_ada: str):
    key = make(by_ada)
    path = f"{KEYS}{key['api_key']['id']}/"
    for method, where in (
        ("GET", KEYS),
        ("POST", KEYS),
        ("DELETE", path),
        ("POST", f"{path}rotate/"),
    ):
        answer = call(key["key"], method, where, {} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "AUTH_SCOPE_MISSING")
    assert ApiKey.objects.get().revoked_at is None


def test_scope_beyond_reach_is_422(by_ada: str, monkeypatch):
    grand = scopes.Scope("users:all", "rule", frozenset({"accounts.change_user"}))
    monkeypatch.setitem(scopes._scopes, grand.name, grand)
    answer = call(by_ada, "POST", KEYS, {"name": "export", "scopes": [grand.name]})
    assert (answer.status_code, answer.json()["scopes"]) == (422, [grand.name])
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scopes": []}, "#/scopes"),
        ({"scopes": "account:read"}, "#/scopes"),
        ({"lifetime_days": 0}, "#/lifetime_days"),
        ({"lifetime_days": 366}, "#/lifetime_days"),
        ({"lifetime_days": None}, "#/lifetime_days"),
        ({"allowed_cidrs": ["10.0.0.0/33"]}, "#/allowed_cidrs/0"),
        ({"user_id": "01a1fc76-8f73-70f5-a3bc-9771834789b4"}, "#/user_id"),
    ],
)
def test_bad_wishes_are_refused_by_name(by_ada: str, change: dict[str, Any], pointer: str):
    answer = call(by_ada, "POST", KEYS, {"name": "x", "scopes": [ACCOUNT_READ], **change})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not ApiKey.objects.exists()


def test_overlap_has_a_limit(by_ada: str):
    key = make(by_ada)["api_key"]["id"]
    answer = call(by_ada, "POST", f"{KEYS}{key}/rotate/", {"overlap_s": 7 * 86_400 + 1})
    assert answer.status_code == 400
    assert ApiKey.objects.get().replaced_at is None


def test_scopes_are_listed(by_ada: str):
    names = {row["name"] for row in call(by_ada, "GET", "/api/v1/scopes/").json()["items"]}
    assert ACCOUNT_READ in names
