"""Devices that are remembered or trusted, through the logins of a browser."""

from __future__ import annotations

import pytest

from accounts.tests.factors import App, enrolled_app
from core import runtime_settings
from core.models import AuditEvent
from sessions_app import constants
from sessions_app.models import Cookie, Session
from sessions_app.tests.test_browser_sessions import LOGIN, Browser
from tests.people import PASSWORD, Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]


def log_in(browser: Browser, **wishes: bool):
    """Send e-mail and password; take the CSRF token of a session that began."""
    answer = browser.send("POST", "auth/login/", {**LOGIN, **wishes})
    browser.csrf = answer.json().get("csrf_token", browser.csrf)
    return answer


def finish(browser: Browser, asked, app: App, **wishes: bool):
    """Answer the question for the second factor."""
    body = {"challenge": asked.json()["challenge"], "code": app.recovery_codes.pop()}
    answer = browser.send("POST", "auth/mfa/verify/", {**body, "cookie": True, **wishes})
    browser.csrf = answer.json()["csrf_token"]
    return answer


def close(browser: Browser) -> None:
    """End what lives as long as the browser is open."""
    del browser.client.cookies["sid"]


def come_back(browser: Browser):
    """Ask for a session by the cookie of a remembered device."""
    answer = browser.send("POST", "auth/remembered/")
    if answer.status_code == 200:
        browser.csrf = answer.json()["csrf_token"]
    return answer


def test_shut_door_refuses_a_remembered_device_and_leaves_its_cookie(ada: Person):
    browser = Browser()
    log_in(browser, remember=True)
    close(browser)
    runtime_settings.assume({"login_open": False})
    refused = come_back(browser)
    assert (refused.status_code, refused.json()["code"]) == (503, "AUTH_LOGIN_CLOSED")
    assert Session.objects.count() == 1
    runtime_settings.assume({})
    assert come_back(browser).status_code == 200


def test_remembered_device_comes_back_with_one_factor_and_steps_up(ada: Person):
    browser = Browser()
    first = log_in(browser, remember=True).cookies[constants.REMEMBER_NAME]
    assert (first["httponly"], first["secure"], first["samesite"]) == (True, True, "Lax")
    assert (first["path"], first["domain"], first["max-age"]) == ("/", "", 30 * 86_400)
    close(browser)
    assert browser.send("GET", "me/").status_code == 401
    back = come_back(browser)
    assert back.status_code == 200, back.content
    assert back.json()["token"] == ""
    assert back.cookies[constants.REMEMBER_NAME].value != first.value
    assert browser.send("GET", "me/").json()["id"] == str(ada.user.pk)
    session = Session.objects.order_by("-id")[0]
    assert session.assurance_level == 1
    key = {"name": "k", "scopes": [constants.JARS_READ]}
    refused = browser.send("POST", "me/api-keys/", key)
    assert (refused.status_code, refused.json()["code"]) == (401, "AUTH_STEP_UP_REQUIRED")
    proved = browser.send("POST", "auth/reauthenticate/", {"password": PASSWORD})
    assert proved.status_code == 200, proved.content
    assert browser.send("POST", "me/api-keys/", key).status_code == 201


def test_nobody_is_remembered_unasked(ada: Person):
    browser = Browser()
    log_in(browser)
    assert not Cookie.objects.exists()
    close(browser)
    assert come_back(browser).status_code == 204
    assert browser.send("GET", "me/").status_code == 401


def test_other_pages_cannot_bring_a_device_back(ada: Person):
    browser = Browser()
    log_in(browser, remember=True)
    before = Session.objects.count()
    assert browser.send("POST", "auth/remembered/", X_CSRFToken="").status_code == 403
    stranger = browser.send("POST", "auth/remembered/", Origin="https://evil.example")
    assert stranger.status_code == 403
    assert Session.objects.count() == before
    assert Cookie.objects.get().generation == 0


def test_attack_20_replayed_remember_cookie_ends_everything(ada: Person, held_clock):
    browser, thief = Browser(), Browser()
    stolen = log_in(browser, remember=True).cookies[constants.REMEMBER_NAME].value
    close(browser)
    come_back(browser)
    held_clock(seconds=11)
    thief.client.cookies[constants.REMEMBER_NAME] = stolen
    assert come_back(thief).status_code == 401
    assert browser.send("GET", "me/").status_code == 401
    assert come_back(browser).status_code == 401
    assert AuditEvent.objects.filter(action="cookie.theft_detected").count() == 1


def test_logout_forgets_the_device(ada: Person):
    browser = Browser()
    kept = log_in(browser, remember=True).cookies[constants.REMEMBER_NAME].value
    answer = browser.send("POST", "auth/logout/")
    assert answer.cookies[constants.REMEMBER_NAME]["max-age"] == 0
    other = Browser()
    other.client.cookies[constants.REMEMBER_NAME] = kept
    assert come_back(other).status_code == 401
    assert Cookie.objects.get().revoke_reason == "logout"


def test_trusted_device_is_asked_for_one_factor_only(ada: Person):
    app, browser = enrolled_app(ada), Browser()
    done = finish(browser, log_in(browser), app, trust_device=True)
    trusted = done.cookies[constants.DEVICE_NAME]
    assert (trusted["httponly"], trusted["secure"], trusted["max-age"]) == (True, True, 7_776_000)
    close(browser)
    again = log_in(browser)
    assert again.status_code == 200, again.content
    assert again.cookies[constants.DEVICE_NAME].value != trusted.value
    assert browser.send("GET", "me/").status_code == 200
    refused = browser.send("POST", "me/api-keys/", {"name": "k", "scopes": ["jars:read"]})
    assert refused.json()["code"] == "AUTH_STEP_UP_REQUIRED"


def test_trust_is_in_one_device_and_one_person(ada: Person, bob: Person):
    app, browser = enrolled_app(ada), Browser()
    finish(browser, log_in(browser), app, trust_device=True)
    assert log_in(Browser()).status_code == 202
    enrolled_app(bob)
    bobs = browser.send("POST", "auth/login/", {**LOGIN, "email": bob.user.email})
    assert bobs.status_code == 202


def test_one_factor_trusts_no_device(ada: Person):
    answer = log_in(Browser(), trust_device=True)
    assert constants.DEVICE_NAME not in answer.cookies
    assert not Cookie.objects.exists()


@pytest.mark.parametrize("wish", ["remember", "trust_device"])
def test_only_browsers_are_remembered_or_trusted(ada: Person, wish):
    body = {"email": ada.user.email, "password": PASSWORD, wish: True}
    answer = Browser().send("POST", "auth/login/", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"#/{wish}"
    assert not Session.objects.exists()
