"""Issued cookies, their registry, policies and consents over HTTP."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.services import create_service_key
from core import clock
from core.models import IdempotencyKey
from sessions_app import constants
from sessions_app.models import ConsentRecord, Cookie, CookieDefinition, PolicyVersion
from sessions_app.services import start_session
from sessions_app.tests.api import call
from sessions_app.tests.cookies import define, token_in
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db
VISITOR = "visitor-0123456789"
NO = {"functional": False, "analytics": False, "marketing": False}
BASKET = {
    "name": "__Host-basket",
    "category": "necessary",
    "purpose": "Keeps your basket.",
    "max_age_s": 86_400,
}


@pytest.fixture
def by_ada(ada: Person) -> str:
    return start_session(user=ada.user)[1]


@pytest.fixture
def by_grace(grace: Person) -> str:
    return start_session(user=grace.user)[1]


@pytest.fixture
def shop(db, grace: Person) -> str:
    """The key of a service that may do all there is to do with cookies."""
    actor = dataclasses.replace(grace.principal, authenticated_at=clock.now())
    _, text = create_service_key(
        name="shop",
        scope_names=[
            constants.COOKIES_ISSUE,
            constants.COOKIES_RESOLVE,
            constants.CONSENTS_READ,
            constants.CONSENTS_WRITE,
        ],
        actor=actor,
    )
    return text


def issue(shop: str, **order):
    return call(shop, "POST", "cookies/issue/", {"name": "__Host-basket", "value": "v", **order})


def publish(by_grace: str, text: str = "We use cookies.\nReally.") -> int:
    answer = call(by_grace, "POST", "cookie-policy/versions/", {"text": text})
    assert answer.status_code == 201, answer.json()
    return int(answer.json()["version"])


def consent(token: str, version: int, mechanism: str = "banner", **about: Any):
    choices = {**NO, **{name: about.pop(name) for name in NO if name in about}}
    body = {"policy_version": version, "choices": choices, "mechanism": mechanism, **about}
    return call(token, "POST", "consents/", body)


def test_staff_define_programs_issue_and_resolve_people_see_and_revoke(
    by_grace: str, by_ada: str, shop: str, ada: Person
):
    defined = call(by_grace, "POST", "cookie-definitions/", BASKET)
    assert defined.status_code == 201, defined.json()
    issued = issue(shop, user_id=str(ada.user.pk), value='{"items": [1]}')
    assert issued.status_code == 201, issued.json()
    assert issued["Cache-Control"] == "no-store"
    line = issued.json()["set_cookie"]
    assert line.endswith("; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax")
    asked = {"name": "__Host-basket", "token": token_in(line)}
    resolved = call(shop, "POST", "cookies/resolve/", asked)
    assert resolved.json()["value"] == '{"items": [1]}'
    assert resolved.json()["user_id"] == str(ada.user.pk)
    assert resolved.json()["set_cookie"] != line
    listed = call(by_ada, "GET", "cookies/")
    [shown] = listed.json()["items"]
    assert (shown["name"], shown["purpose"]) == ("__Host-basket", "Keeps your basket.")
    assert "items\\" not in listed.content.decode()
    assert call(by_ada, "DELETE", f"cookies/{shown['id']}/").status_code == 204
    gone = call(shop, "POST", "cookies/resolve/", {**asked, "token": token_in(line)})
    assert (gone.status_code, gone.json()["code"]) == (401, "COOKIE_INVALID")
    assert gone["WWW-Authenticate"]


def test_visitor_is_nobody_in_the_answer(shop: str):
    define()
    line = issue(shop, anonymous_id=VISITOR).json()["set_cookie"]
    asked = {"name": "__Host-basket", "token": token_in(line)}
    assert call(shop, "POST", "cookies/resolve/", asked).json()["user_id"] is None


def test_marketing_waits_for_consent(by_grace: str, shop: str):
    define("ads", "marketing")
    version = publish(by_grace)
    refused = issue(shop, name="ads", anonymous_id=VISITOR)
    assert (refused.status_code, refused.json()["code"]) == (409, "COOKIE_CONSENT_MISSING")
    said = consent(shop, version, anonymous_id=VISITOR, marketing=True)
    assert said.status_code == 201, said.json()
    assert issue(shop, name="ads", anonymous_id=VISITOR).status_code == 201
    assert issue(shop, name="ads", anonymous_id=VISITOR, gpc=True).status_code == 409
    assert consent(shop, version, "withdrawal", anonymous_id=VISITOR).status_code == 201
    assert issue(shop, name="ads", anonymous_id=VISITOR).status_code == 409
    assert Cookie.objects.get().revoke_reason == "consent_withdrawn"


def test_consents_are_listed_and_never_changed(by_grace: str, by_ada: str, shop: str, bob: Person):
    version = publish(by_grace)
    before = call(by_ada, "GET", "consents/current/").json()
    assert (before["must_ask"], before["choices"]) == (True, NO)
    consent(by_ada, version, functional=True)
    consent(by_ada, version, analytics=True)
    items = call(by_ada, "GET", "consents/").json()["items"]
    assert [item["sequence"] for item in items] == [2, 1]
    assert items == call(by_ada, "GET", "me/consents/").json()["items"]
    now = call(by_ada, "GET", "consents/current/").json()
    assert (now["must_ask"], now["choices"]["analytics"]) == (False, True)
    for method in ("PUT", "PATCH", "DELETE"):
        assert call(by_ada, method, "consents/", {}).status_code == 405
    by_bob = start_session(user=bob.user)[1]
    assert call(by_bob, "GET", "consents/").json()["items"] == []
    assert call(by_bob, "GET", f"consents/?user_id={items[0]['id']}").status_code == 422
    visitor = call(shop, "GET", f"consents/current/?anonymous_id={VISITOR}").json()
    assert visitor["must_ask"]
    assert call(shop, "GET", "consents/?user_id=nobody").status_code == 400


def test_consent_is_recorded_once_for_a_key(by_grace: str, by_ada: str):
    version = publish(by_grace)
    body = {"policy_version": version, "choices": NO, "mechanism": "settings"}
    for _ in range(2):
        call(by_ada, "POST", "consents/", body, **{"Idempotency-Key": "once"})
    assert ConsentRecord.objects.count() == 1


def test_body_names_nobody_else(by_grace: str, by_ada: str, bob: Person):
    version = publish(by_grace)
    answer = consent(by_ada, version, user_id=str(bob.user.pk), marketing=True)
    assert (answer.status_code, answer.json()["code"]) == (422, "COOKIE_SUBJECT_REFUSED")
    assert not ConsentRecord.objects.exists()


def test_policy_is_public_and_known_by_its_tag(by_grace: str):
    first = call("", "GET", "cookie-policy/")
    assert first.status_code == 200
    assert first.json()["version"] is None
    names = [cookie["name"] for cookie in first.json()["categories"][0]["cookies"]]
    assert constants.REMEMBER_NAME in names
    assert first["Cache-Control"] == "public, max-age=300"
    again = call("", "GET", "cookie-policy/", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    publish(by_grace)
    changed = call("", "GET", "cookie-policy/", **{"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed.json()["text"] == "We use cookies.\nReally."
    define("analytics", "analytics")
    assert call("", "GET", "cookie-policy/")["ETag"] != changed["ETag"]


def test_registry_is_for_staff(by_ada: str, by_grace: str, shop: str):
    support = make_person("sue@example.org", role="support")
    by_support = start_session(user=support.user)[1]
    for token in (by_ada, by_support, shop):
        assert call(token, "POST", "cookie-definitions/", BASKET).status_code == 403
        assert call(token, "POST", "cookie-policy/versions/", {"text": "x"}).status_code == 403
    assert call(by_ada, "GET", "cookie-definitions/").status_code == 403
    assert call(by_support, "GET", "cookie-definitions/").status_code == 200
    assert CookieDefinition.objects.count() == 2
    assert not PolicyVersion.objects.exists()


def test_definition_is_changed_by_who_has_seen_it(by_grace: str):
    made = call(by_grace, "POST", "cookie-definitions/", BASKET).json()
    path = f"cookie-definitions/{made['id']}/"
    etag = call(by_grace, "GET", path)["ETag"]
    assert call(by_grace, "PATCH", path, {"is_active": False}).status_code == 428
    changed = call(by_grace, "PATCH", path, {"is_active": False}, **{"If-Match": etag})
    assert (changed.status_code, changed.json()["is_active"]) == (200, False)
    late = call(by_grace, "PATCH", path, {"is_active": True}, **{"If-Match": etag})
    assert late.status_code == 412


def test_linter_answers_with_pointers_and_clauses(by_grace: str):
    bad = {**BASKET, "name": "__host-a\r\nb;", "secure": False, "domain": "co.uk", "path": "x"}
    answer = call(by_grace, "POST", "cookie-definitions/", {**bad, "max_age_s": 34_560_001})
    assert (answer.status_code, answer.json()["code"]) == (422, "COOKIE_DEFINITION_INVALID")
    faults = {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}
    assert faults == {
        ("#/name", "COOKIE_NAME"),
        ("#/name", "COOKIE_PREFIX"),
        ("#/domain", "COOKIE_PUBLIC_SUFFIX"),
        ("#/path", "COOKIE_PATH"),
        ("#/max_age_s", "COOKIE_LIFETIME"),
    }
    assert all(fault["clause"] for fault in answer.json()["errors"])


def test_secrets_of_cookies_are_kept_for_no_repetition(shop: str):
    define()
    for _ in range(2):
        call(
            shop,
            "POST",
            "cookies/issue/",
            {"name": "__Host-basket", "value": "v"},
            **{"Idempotency-Key": "once"},
        )
    assert Cookie.objects.count() == 2
    assert not IdempotencyKey.objects.exists()


def test_people_and_narrow_keys_neither_issue_nor_resolve(by_ada: str, shop: str):
    define()
    token = token_in(issue(shop).json()["set_cookie"])
    asked = {"name": "__Host-basket", "token": token}
    assert issue(by_ada).status_code == 403
    assert call(by_ada, "POST", "cookies/resolve/", asked).status_code == 403
    made = call(
        by_ada, "POST", "me/api-keys/", {"name": "k", "scopes": [constants.JARS_READ]}
    ).json()["key"]
    for path in ("cookies/issue/", "cookies/resolve/", "consents/"):
        refused = call(made, "POST", path, asked)
        assert (refused.status_code, refused.json()["code"]) == (403, "AUTH_SCOPE_MISSING")


def test_value_of_64_kib_is_the_limit(shop: str):
    define()
    assert issue(shop, value="x" * 65_536).status_code == 201
    assert issue(shop, value="x" * 65_537).status_code == 400
    assert issue(shop, value="é" * 32_769).status_code == 400
    assert Cookie.objects.count() == 1


@settings(max_examples=50)
@given(
    body=st.dictionaries(
        st.sampled_from(["name", "value", "user_id", "anonymous_id", "max_age_s", "gpc", "token"]),
        st.one_of(st.text(max_size=40), st.integers(), st.booleans(), st.none()),
        max_size=5,
    )
)
def test_no_input_breaks_issue_resolve_or_the_registry(by_grace: str, shop: str, body):
    for token, path in (
        (shop, "cookies/issue/"),
        (shop, "cookies/resolve/"),
        (shop, "consents/"),
        (by_grace, "cookie-definitions/"),
    ):
        assert call(token, "POST", path, body).status_code in (400, 401, 404, 409, 422)
