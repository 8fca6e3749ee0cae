"""Passkeys in a real browser with a virtual authenticator: made, used, copied, replayed."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import complaints
from tests.database import url_of
from tests.http import STAFF_PASSWORD, Client, registered, staff
from tests.people import PASSWORD
from tests.ready import free_port
from tests.serving import Service

CREATE = """
const [asked, done] = arguments;
navigator.credentials
  .create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked)})
  .then(made => done(made.toJSON()), failed => done({failed: failed.name}));
"""
GET = """
const [asked, done] = arguments;
navigator.credentials
  .get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked)})
  .then(made => done(made.toJSON()), failed => done({failed: failed.name}));
"""


@pytest.fixture
def service(serve) -> Service:
    """A service at a name: passkeys belong to domains, never to addresses."""
    port = free_port()
    served: Service = serve(
        workers=1, PORT=str(port), PUBLIC_URL=f"http://localhost:{port}", HOST="127.0.0.1"
    )
    return served


@pytest.fixture
def page(browser: webdriver.Chrome, service: Service) -> webdriver.Chrome:
    """A browser on one of our pages, with an authenticator that recognises its owner."""
    options = VirtualAuthenticatorOptions()
    options.transport = VirtualAuthenticatorOptions.Transport.INTERNAL
    options.has_resident_key = True
    options.has_user_verification = True
    options.is_user_verified = True
    browser.add_virtual_authenticator(options)
    browser.get(service.url.replace("127.0.0.1", "localhost") + "/admin/login/")
    return browser


def _add_passkey(page: webdriver.Chrome, client: Client) -> list[str]:
    wish = {"kind": "passkey", "label": "Laptop"}
    status, _, begun = client.call("POST", "/api/v1/me/mfa/factors/", wish)
    assert status == 201, begun
    made = page.execute_async_script(CREATE, begun["passkey"])
    assert "failed" not in made, made
    status, _, confirmed = client.call(
        "POST", f"/api/v1/me/mfa/factors/{begun['id']}/confirm/", {"credential": made}
    )
    assert status == 200, confirmed
    codes: list[str] = confirmed["recovery_codes"]
    return codes


def _answer(client: Client, path: str, challenge: str, credential: Any) -> tuple[int, Any]:
    body = {"challenge": challenge, "credential": credential}
    status, _, answer = client.call("POST", f"/api/v1/auth/{path}/", body)
    return status, answer


def _ask(client: Client) -> dict[str, Any]:
    status, _, asked = client.call("POST", "/api/v1/auth/webauthn/login/options/")
    assert status == 200
    found: dict[str, Any] = asked
    return found


def _database(service: Service, statement: str) -> None:
    with psycopg.connect(url_of("superuser", service.database), autocommit=True) as connection:
        connection.execute(statement.encode())


def test_passkey_is_a_second_factor_and_a_login_of_its_own(service, page):
    ada, nobody = registered(service, "ada@example.org"), Client(service.url)
    assert len(_add_passkey(page, ada)) == 10
    _, _, mine = ada.call("GET", "/api/v1/me/mfa/factors/")
    assert [(factor["kind"], factor["label"]) for factor in mine["items"]] == [
        ("passkey", "Laptop")
    ]

    credentials = {"email": "ada@example.org", "password": PASSWORD}
    status, _, asked = nobody.call("POST", "/api/v1/auth/login/", credentials)
    assert (status, asked["methods"]) == (202, ["passkey", "recovery_code"])
    proved = page.execute_async_script(GET, asked["passkey"])
    status, entered = _answer(nobody, "mfa/verify", asked["challenge"], proved)
    assert status == 200
    assert Client(service.url, entered["token"]).call("GET", "/api/v1/me/")[0] == 200

    asked = _ask(nobody)
    assert asked["passkey"]["allowCredentials"] == []
    proved = page.execute_async_script(GET, asked["passkey"])
    status, entered = _answer(nobody, "webauthn/login/complete", asked["challenge"], proved)
    assert status == 200
    assert entered["account"]["email"] == "ada@example.org"
    # It proved two things: what asks for a fresh login at the full level passes.
    strong = Client(service.url, entered["token"])
    assert strong.call("POST", "/api/v1/me/mfa/recovery-codes/")[0] == 201

    replayed, _ = _answer(nobody, "webauthn/login/complete", asked["challenge"], proved)
    assert replayed == 401
    elsewhere, refused = _answer(
        nobody, "webauthn/login/complete", _ask(nobody)["challenge"], proved
    )
    assert (elsewhere, refused["code"]) == (401, "AUTH_FACTOR_REFUSED")


def test_forged_and_foreign_answers_are_refused(service, page):
    ada, bob = registered(service, "ada@example.org"), registered(service, "bob@example.org")
    nobody = Client(service.url)
    _add_passkey(page, ada)
    asked = _ask(nobody)
    proved = page.execute_async_script(GET, asked["passkey"])
    mine = proved["response"]
    _, _, bobs = bob.call("GET", "/api/v1/me/")
    forgeries: list[Any] = [
        {},
        {**proved, "id": "AAAA", "rawId": "AAAA"},
        {**proved, "response": {**mine, "signature": mine["authenticatorData"]}},
        {**proved, "response": {**mine, "userHandle": None}},
        {**proved, "response": {**mine, "userHandle": bobs["id"]}},
        {**proved, "response": []},
    ]
    for forged in forgeries[:4]:
        status, refused = _answer(nobody, "webauthn/login/complete", asked["challenge"], forged)
        assert (status, refused["code"]) == (401, "AUTH_FACTOR_REFUSED"), forged
    again = _ask(nobody)
    for forged in forgeries[4:]:
        status, _ = _answer(nobody, "webauthn/login/complete", again["challenge"], forged)
        assert status == 401, forged

    # A copy has answered more often than this one.
    _database(service, "UPDATE factor SET sign_count = 1000")
    asked = _ask(nobody)
    proved = page.execute_async_script(GET, asked["passkey"])
    status, _ = _answer(nobody, "webauthn/login/complete", asked["challenge"], proved)
    assert status == 401


def test_staff_enter_the_admin_with_a_passkey(service, page, tmp_path):
    _add_passkey(page, staff(service, "grace@example.org"))
    page.get(service.url.replace("127.0.0.1", "localhost") + "/admin/")
    page.find_element(By.NAME, "username").send_keys("grace@example.org")
    page.find_element(By.NAME, "password").send_keys(STAFF_PASSWORD)
    page.save_screenshot(str(tmp_path / "password.png"))
    page.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    WebDriverWait(page, 10).until(lambda b: b.find_elements(By.ID, "use-passkey"))
    page.save_screenshot(str(tmp_path / "factor.png"))
    page.find_element(By.ID, "use-passkey").click()
    WebDriverWait(page, 10).until(lambda b: b.find_elements(By.ID, "user-tools"))
    assert complaints(page) == []


def test_staff_without_a_factor_are_led_to_add_one(serve, browser, tmp_path):
    service = serve(workers=1, STAFF_MFA="required")
    made = service.command("staff_create", "--email", "grace@example.org", "--role", "admin")
    browser.get(f"{service.url}/admin/")
    browser.find_element(By.NAME, "username").send_keys("grace@example.org")
    password = made.stdout.rsplit("): ", 1)[1].strip()
    browser.find_element(By.NAME, "password").send_keys(password)
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    WebDriverWait(browser, 10).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".qr-code img"))
    picture = browser.find_element(By.CSS_SELECTOR, ".qr-code img")
    assert browser.execute_script("return arguments[0].naturalWidth", picture) > 100
    browser.save_screenshot(str(tmp_path / "app.png"))
    seed = browser.find_element(By.CSS_SELECTOR, ".seed code").text
    code = service.command(
        "shell", "-v", "0", "-c", f"import pyotp; print(pyotp.TOTP({seed!r}).now())"
    )
    browser.find_element(By.NAME, "code").send_keys(code.stdout.strip())
    browser.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    WebDriverWait(browser, 10).until(lambda b: b.find_elements(By.CLASS_NAME, "recovery-codes"))
    browser.save_screenshot(str(tmp_path / "codes.png"))
    browser.find_element(By.CSS_SELECTOR, ".submit-row a").click()
    WebDriverWait(browser, 10).until(lambda b: b.find_elements(By.ID, "user-tools"))
    # The password was made by somebody else.
    assert browser.current_url.endswith("/password_change/")
    browser.save_screenshot(str(tmp_path / "own-password.png"))
    assert complaints(browser) == []
