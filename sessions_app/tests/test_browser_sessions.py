"""Sessions in cookies: never for another page's requests, never beside another credential."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from sessions_app import services, tokens
from sessions_app.models import Session
from tests.people import PASSWORD, Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]
LOGIN = {"email": "ada@example.org", "password": PASSWORD, "cookie": True}


class Browser:
    """A browser with one page of ours open; ``page`` may be somebody else's."""

    def __init__(self, scheme: str = "http") -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.scheme = scheme
        self.csrf = ""
        self.csrf = self.send("GET", "auth/csrf/").json()["csrf_token"]

    def send(self, method: str, path: str, body: Any = None, **headers: str):
        sent = {"X-CSRFToken": self.csrf, "Origin": f"{self.scheme}://testserver"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            b"" if body is None else json.dumps(body),
            content_type=sent.pop("Content-Type", "application/json"),
            headers={name: value for name, value in sent.items() if value},
            secure=self.scheme == "https",
        )

    def log_in(self):
        answer = self.send("POST", "auth/login/", LOGIN)
        assert answer.status_code == 200, answer.content
        self.csrf = answer.json()["csrf_token"]
        return answer


@pytest.fixture
def browser(ada: Person) -> Browser:
    """Ada's, logged in."""
    made = Browser()
    made.log_in()
    return made


def test_login_by_cookie_keeps_the_token_from_scripts(ada: Person):
    answer = Browser().log_in()
    assert answer.json()["token"] == ""
    cookie = answer.cookies["sid"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert tokens.key_of(cookie.value) is not None


def test_cookie_is_bound_to_host_and_tls_in_production(ada: Person, settings):
    settings.ENV = dataclasses.replace(settings.ENV, environment="production")
    cookie = Browser("https").log_in().cookies["__Host-sid"]
    assert cookie["secure"]
    assert (cookie["path"], cookie["domain"]) == ("/", "")


def test_browser_reads_and_writes_and_logs_out(browser: Browser):
    assert browser.send("GET", "me/").json()["email"] == "ada@example.org"
    assert browser.send("POST", "sessions/revoke-others/").status_code == 200
    answer = browser.send("POST", "auth/logout/")
    assert answer.status_code == 204
    assert answer.cookies["sid"].value == ""
    assert browser.send("GET", "me/").status_code == 401


def test_second_logout_is_no_fault(ada: Person, bob: Person):
    _, token = services.start_session(user=ada.user)
    _, other = services.start_session(user=bob.user)

    def log_out(bearer: str) -> int:
        headers = {"Authorization": f"Bearer {bearer}"}
        return Client().post("/api/v1/auth/logout/", headers=headers).status_code

    assert [log_out(token), log_out(token)] == [204, 204]
    assert [log_out(tokens.make_token(ada.user.pk)), log_out("srs_x"), log_out("")] == [401] * 3
    services.authenticate(other)


@pytest.mark.parametrize(
    "changed",
    [
        {"X_CSRFToken": ""},
        {"X_CSRFToken": "A" * 64},
        {"Origin": "https://thief.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.thief.example"},
    ],
    ids=lambda changed: next(iter(changed.items())),
)
def test_attack_24_request_of_another_page_is_refused(browser: Browser, changed: dict[str, str]):
    answer = browser.send("POST", "auth/logout/", **changed)
    assert (answer.status_code, answer.json()["code"]) == (403, "AUTH_CSRF_FAILED")
    assert Session.objects.get().revoked_at is None
    assert browser.send("GET", "me/", **changed).status_code == 200


def test_attack_24_login_of_another_page_is_refused(ada: Person):
    stranger = Browser()
    for changed in ({"X_CSRFToken": ""}, {"Origin": "https://thief.example"}):
        answer = stranger.send("POST", "auth/login/", LOGIN, **changed)
        assert (answer.status_code, answer.json()["code"]) == (403, "AUTH_CSRF_FAILED")
    assert not Session.objects.exists()


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_attack_24_json_in_disguise_is_refused(browser: Browser, media_type: str):
    """What a form of another page can send without asking first."""
    answer = browser.send(
        "POST", "auth/token/", {"audience": "x"}, Content_Type=media_type, X_CSRFToken=""
    )
    assert answer.status_code == 403
    answer = browser.send("POST", "auth/token/", {"audience": "x"}, Content_Type=media_type)
    assert answer.status_code == 415


def test_attack_24_csrf_token_from_before_the_login_is_worthless(ada: Person):
    page = Browser()
    before = page.csrf
    page.log_in()
    assert page.send("POST", "auth/logout/", X_CSRFToken=before).status_code == 403


def test_attack_25_cookie_of_ada_and_token_of_bob_is_bob(browser: Browser, bob: Person):
    _, token = services.start_session(user=bob.user)
    header = {"Authorization": f"Bearer {token}"}
    assert browser.send("GET", "me/", **header).json()["email"] == "bob@example.org"
    # And a token that is worthless is not made up for by the cookie.
    for worthless in ("Bearer nonsense", "Basic YWRhOmFkYQ==", "Bearer", ""):
        answer = browser.client.get("/api/v1/me/", headers={"Authorization": worthless})
        assert answer.status_code == 401


def test_attack_33_malformed_headers_are_401(ada: Person):
    client = Client()

    @given(st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=80))
    def check(header: str) -> None:
        for value in (header, f"Bearer {header}", f"Bearer srs_{header}", f"bearer {header}.a.b"):
            answer = client.get("/api/v1/me/", headers={"Authorization": value})
            assert answer.status_code == 401
            assert answer["Content-Type"] == "application/problem+json"

    check()


@given(st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=60))
def test_attack_33_malformed_cookies_are_401(value: str):
    answer = Client().get("/api/v1/me/", headers={"Cookie": f"sid={value}"})
    assert answer.status_code == 401


def test_preflight_is_answered_for_allowed_origins_only(settings, ada: Person):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]

    def preflight(origin: str):
        return Client().options(
            "/api/v1/me/",
            headers={"Origin": origin, "Access-Control-Request-Method": "PATCH"},
        )

    allowed = preflight("https://app.example")
    assert allowed["Access-Control-Allow-Origin"] == "https://app.example"
    assert allowed["Access-Control-Allow-Credentials"] == "true"
    assert "Access-Control-Allow-Origin" not in preflight("https://thief.example")


def test_token_of_the_admin_is_not_for_the_api_nor_the_other_way_round(grace: Person):
    staff = Client()
    staff.force_login(grace.user)
    answer = Client().get(
        "/api/v1/me/", headers={"Authorization": f"Bearer {staff.cookies['staff'].value}"}
    )
    assert answer.status_code == 401
    _, token = services.start_session(user=grace.user)
    Session.objects.filter(kind="user").update(data=Session.objects.get(kind="staff").data)
    outsider = Client()
    outsider.cookies["staff"] = token
    assert outsider.get("/admin/").status_code == 302
