"""A person follows the links of their mails in a real browser, without a front end of anybody's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client as DjangoClient
from django.urls import reverse
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from accounts.pages import PAGES
from tests.browser import complaints
from tests.http import Client, staff
from tests.people import PASSWORD
from tests.waiting import until

LINK = re.compile(r"http://\S+/account/\S+#token=\S+")
EMAIL = "ada@example.org"
NEW_PASSWORD = "a longer way to say the same thing"


def _link(folder: Path, page: str) -> str:
    """Return the link to ``page`` from the mail that will come."""

    def found() -> str:
        text = "".join(path.read_text() for path in folder.glob("*")) if folder.exists() else ""
        return next((link for link in LINK.findall(text) if f"/{page}/" in link), "")

    return until(found)


def _told(browser, role: str) -> str:
    shown = WebDriverWait(browser, 10).until(
        lambda b: next(
            (e for e in b.find_elements(By.CSS_SELECTOR, f"[role={role}]") if e.is_displayed()),
            None,
        )
    )
    return shown.text


def _press(browser) -> None:
    browser.find_element(By.CSS_SELECTOR, "button").click()


def test_person_confirms_their_address_and_later_replaces_a_forgotten_password(
    serve, browser, tmp_path
):
    mails = tmp_path / "mails"
    service = serve(workers=1, MAIL_TRANSPORT="file", MAIL_FOLDER=str(mails))
    client = Client(service.url)
    login = {"email": EMAIL, "password": PASSWORD}
    with service.worker():
        client.call("POST", "/api/v1/auth/register/", login)
        browser.get(_link(mails, "verify-email"))
        assert client.call("POST", "/api/v1/auth/login/", login)[0] == 401
        assert "token" not in browser.current_url
        browser.save_screenshot(str(tmp_path / "verify.png"))
        _press(browser)
        assert "You can log in now" in _told(browser, "status")
        assert client.call("POST", "/api/v1/auth/login/", login)[0] == 200

        client.call("POST", "/api/v1/auth/password/forgot/", {"email": EMAIL})
        browser.get(_link(mails, "reset-password"))
        field = browser.find_element(By.ID, "password")
        field.send_keys("short")
        _press(browser)
        assert "at least 15 characters" in _told(browser, "alert")
        browser.save_screenshot(str(tmp_path / "reset.png"))
        # Chromium notes every refusal of a fetch in the console.
        assert [line for line in complaints(browser) if "400 (Bad Request)" not in line] == []
        field.clear()
        field.send_keys(NEW_PASSWORD)
        _press(browser)
        assert "works from now on" in _told(browser, "status")
    assert client.call("POST", "/api/v1/auth/login/", login)[0] == 401
    assert client.call("POST", "/api/v1/auth/login/", {**login, "password": NEW_PASSWORD})[0] == 200
    assert complaints(browser) == []


def test_invited_person_chooses_a_password_and_asks_for_another(serve, browser, tmp_path):
    mails = tmp_path / "mails"
    service = serve(workers=1, MAIL_TRANSPORT="file", MAIL_FOLDER=str(mails))
    client = Client(service.url)
    with service.worker():
        staff(service).call("POST", "/api/v1/invitations/", {"email": EMAIL, "name": "Ada"})
        browser.get(_link(mails, "accept-invitation"))
        browser.find_element(By.ID, "password").send_keys(PASSWORD)
        _press(browser)
        assert "Welcome" in _told(browser, "status")
        login = {"email": EMAIL, "password": PASSWORD}
        assert client.call("POST", "/api/v1/auth/login/", login)[0] == 200

        browser.get(f"{service.url}/account/forgot-password/")
        browser.find_element(By.ID, "email").send_keys(EMAIL)
        _press(browser)
        assert "on its way" in _told(browser, "status")
        browser.get(_link(mails, "reset-password"))
        assert browser.find_element(By.ID, "password").is_displayed()
    assert complaints(browser) == []


@pytest.mark.parametrize("page", PAGES)
def test_page_calls_an_operation_that_exists(page):
    answer = DjangoClient().get(f"/account/{page}/")
    assert answer.status_code == 200
    assert reverse(PAGES[page].operation) in answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


def test_address_without_its_secret_part_is_told(serve, browser):
    service = serve(workers=1)
    browser.get(f"{service.url}/account/verify-email/")
    assert "not complete" in _told(browser, "alert")
    assert not browser.find_element(By.CSS_SELECTOR, "button").is_displayed()
    status, headers, _ = Client(service.url).call("GET", "/account/no-such-page/")
    assert (status, headers["content-type"]) == (404, "application/problem+json")
