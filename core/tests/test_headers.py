"""What browsers and strangers are told, by whatever answers."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from django.conf import settings
from django.test import Client

from core import clock, headers
from sessions_app.services import start_session
from tests.people import Person

pytestmark = pytest.mark.django_db
ADMIN = f"/{settings.ENV.admin_path}/login/"
KINDS = {
    "api": ("GET", "/api/v1/me/"),
    "schema": ("GET", "/api/v1/schema/"),
    "docs": ("GET", "/api/v1/docs/"),
    "redoc": ("GET", "/api/v1/redoc/"),
    "admin": ("GET", ADMIN),
    "admin-404": ("GET", f"/{settings.ENV.admin_path}/nope/"),
    "404": ("GET", "/nope"),
    "405": ("DELETE", "/api/v1/auth/login/"),
    "live": ("GET", "/health/live"),
    "ready": ("GET", "/health/ready"),
    "static": ("GET", "/static/admin/css/base.css"),
    "security.txt": ("GET", "/.well-known/security.txt"),
}


@pytest.fixture
def production(settings):
    """The rules of production, over a proxy that ends TLS."""
    settings.ENV = dataclasses.replace(settings.ENV, environment="production")
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def _policy(answer) -> dict[str, str]:
    text = answer["Content-Security-Policy"]
    return dict(part.strip().partition(" ")[::2] for part in text.split(";") if part.strip())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_is_hardened(production, kind):
    method, path = KINDS[kind]
    answer = Client(raise_request_exception=False).generic(method, path, secure=True)
    answer.close()
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    hsts = answer["Strict-Transport-Security"]
    assert "max-age=31536000" in hsts
    assert "includeSubDomains" in hsts
    assert not answer.has_header("Server")
    policy = _policy(answer)
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe-inline" not in policy.get("script-src", "")
    assert "unsafe-eval" not in answer["Content-Security-Policy"]
    assert policy.get("object-src", policy["default-src"]) == "'none'"
    media_type, _, charset = answer["Content-Type"].partition(";")
    # JSON is UTF-8 and has no charset to say so (RFC 8259).
    assert charset.strip(' "').lower().endswith("utf-8") or media_type.endswith("json")
    if media_type != "text/html":
        assert answer["Content-Security-Policy"] == headers.NO_PAGE_POLICY


@pytest.mark.parametrize("path", ["accounts/user/", "", "password_change/"])
def test_what_is_personal_is_stored_nowhere(ada: Person, grace: Person, path: str):
    _, token = start_session(user=ada.user)
    for address in ("me/", "sessions/", "me/audit/", "ledger-accounts/"):
        answer = Client().get(f"/api/v1/{address}", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    staff = Client()
    staff.force_login(grace.user)
    page = staff.get(f"/{settings.ENV.admin_path}/{path}")
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]


def test_refusals_below_django_are_hardened_too():
    answer = Client().get("/api/v1/me/", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_api_over_http_is_refused_and_pages_are_redirected(production):
    for method in ("GET", "POST"):
        answer = Client().generic(method, "/api/v1/auth/login/")
        assert (answer.status_code, answer.json()["code"]) == (403, "VALIDATION_HTTPS_REQUIRED")
    page = Client().get(ADMIN)
    assert page.status_code == 301
    assert page["Location"].startswith("https://")
    assert Client().get("/health/ready").status_code == 200
    behind_proxy = Client().get("/api/v1/me/", headers={"X-Forwarded-Proto": "https"})
    assert behind_proxy.status_code == 401


def test_admin_login_page_says_only_scripts_with_its_nonce_run():
    answer = Client().get(ADMIN)
    assert answer.status_code == 200
    assert "'self'" in _policy(answer)["script-src"]


def test_security_txt_names_a_contact_and_an_end():
    answer = Client().get("/.well-known/security.txt")
    lines = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert lines["Contact"] == settings.ENV.security_contact
    expires = dt.datetime.fromisoformat(lines["Expires"])
    until = expires - clock.now()
    assert dt.timedelta(days=30) < until < dt.timedelta(days=366)
    assert answer["Content-Type"].startswith("text/plain")
