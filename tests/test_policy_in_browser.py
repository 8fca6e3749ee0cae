"""Production behind the shipped nginx, as a browser and the Observatory see it."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pyotp
import pytest
from django.conf import settings
from django.urls import Resolver404, get_resolver, resolve, reverse
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests import observatory
from tests.browser import complaints
from tests.people import PASSWORD
from tests.proxy import NAME, Proxy
from tests.serving import Service

ROOT = f"https://{NAME}"
ADMIN = f"/{settings.ENV.admin_path}/"
PAGES = {
    "api": "/api/v1/me/",
    "docs": "/api/v1/docs/",
    "redoc": "/api/v1/redoc/",
    "admin": f"{ADMIN}login/",
    "privacy": "/privacy/",
}
FILLED = (
    "from tests.people import make_person; from tests.filled import fill; "
    "make_person('root@example.org', is_superuser=True); "
    "fill(make_person('ada@example.org'), 1)"
)
# Asked by scripts, or gone through at the login and the logout.
NO_PAGES = {"autocomplete", "jsi18n", "login", "logout", "password_change_done", "view_on_site"}
# Most are refused (tests/test_admin_pages.py); those that are not are led to.
FORMS = ("_add", "_delete")
# Answers of the browser that no page asked a script or a style for.
REFUSED = "Failed to load resource: the server responded with a status of 40"


@pytest.fixture
def service(serve) -> Service:
    return serve(
        workers=2,
        DJANGO_SETTINGS_MODULE="tests.production",
        ENVIRONMENT="production",
        PUBLIC_URL=f"https://{NAME}",
        ALLOWED_HOSTS=f"{NAME},127.0.0.1",
        TRUSTED_PROXY_COUNT="1",
        MAIL_TRANSPORT="smtp",
        SMTP_URL="smtp://mail.strongroom.example",
    )


@pytest.fixture
def proxy(service, proxied) -> Proxy:
    return proxied(service)


@pytest.fixture
def browser_flags(proxy) -> list[str]:
    """Lead the browser there as if it were the port of https."""
    there = f"127.0.0.1:{proxy.https}"
    return ["--ignore-certificate-errors", f"--host-resolver-rules=MAP {NAME} {there}"]


def _asked(proxy: Proxy, method: str, path: str, port: int, **headers: str):
    """Ask like the Observatory does: without credentials, for a page."""
    with contextlib.closing(http.client.HTTPConnection(NAME)) as connection:
        connection.sock = proxy.connect(port)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Accept": "text/html,*/*;q=0.8", **given})
        answer = connection.getresponse()
        return answer, answer.read().decode()


def _seen(proxy: Proxy, path: str) -> observatory.Seen:
    answer, body = _asked(proxy, "GET", path, proxy.https)
    assert answer.status in (200, 401)
    preflight, _ = _asked(
        proxy,
        "OPTIONS",
        path,
        proxy.https,
        Origin=observatory.STRANGE_ORIGIN,
        Access_Control_Request_Method="GET",
    )
    # Asked for the front door: the API over http is refused, whoever comes for it.
    front_door, _ = _asked(proxy, "GET", "/", proxy.http)
    return observatory.Seen(
        headers={name.lower(): value for name, value in answer.getheaders()},
        body=body,
        cookies=answer.headers.get_all("Set-Cookie") or [],
        preflight={name.lower(): value for name, value in preflight.getheaders()},
        sent_on_to=front_door.headers.get_all("Location") or [],
    )


def test_observatory_gives_each_page_more_than_100(proxy):
    for name, path in PAGES.items():
        seen = _seen(proxy, path)
        total, parts = observatory.score(seen)
        assert total >= 100, (name, parts)
        assert min(parts.values()) >= 0, f"{name} is helped by nothing"
        assert all(cookie.startswith("__Host-") for cookie in seen.cookies), name
        if name == "admin":
            assert seen.cookies
        if name != "api":
            assert seen.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("header", "value", "most"),
    [
        ("content-security-policy", "", 75),
        ("content-security-policy", "default-src 'none'; script-src 'unsafe-inline'", 80),
        ("content-security-policy", "default-src *", 80),
        ("strict-transport-security", "max-age=60", 130),
        ("strict-transport-security", "", 80),
        ("referrer-policy", "unsafe-url", 140),
    ],
)
def test_observatory_takes_away_for_what_is_missing(header, value, most):
    whole = {
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "strict-transport-security": "max-age=31536000",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
    }
    good = observatory.Seen(whole, "", [], {}, ["https://a.example/"])
    best, _ = observatory.score(good)
    worse, _ = observatory.score(dataclasses.replace(good, headers={**whole, header: value}))
    assert worse < best
    assert worse <= most


@pytest.mark.long
def test_walk_of_every_page_breaks_no_policy(service, browser):
    service.command("shell", "-v", "0", "-c", FILLED)
    _enter(browser)
    kept = {cookie["name"]: cookie for cookie in browser.get_cookies()}
    assert all(cookie["secure"] for cookie in kept.values())
    assert kept["__Host-staff"]["httpOnly"]
    assert (kept["__Host-staff"]["sameSite"], kept["__Host-staff"]["path"]) == ("Lax", "/")
    assert complaints(browser) == []
    seen: set[str] = set()
    to_do = collections.deque([ADMIN])
    while to_do:
        for path in _visited(browser, ROOT + to_do.popleft()):
            name = _name(path)
            if name and name not in seen:
                seen.add(name)
                to_do.append(path)
    unseen = {name for name in _names() - seen - NO_PAGES if not name.endswith(FORMS)}
    assert unseen == set(), "a page that nothing leads to"
    _ask_why(browser)
    for path in PAGES.values():
        list(_visited(browser, ROOT + path))


def _enter(chrome: webdriver.Chrome) -> None:
    """Log in and add an authenticator app, which production asks of staff."""
    chrome.get(f"{ROOT}{ADMIN}")
    chrome.find_element(By.NAME, "username").send_keys("root@example.org")
    chrome.find_element(By.NAME, "password").send_keys(PASSWORD)
    chrome.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    waiting = WebDriverWait(chrome, 20)
    seed = waiting.until(lambda b: b.find_element(By.CSS_SELECTOR, ".seed code").text)
    chrome.find_element(By.NAME, "code").send_keys(pyotp.TOTP(seed).now())
    chrome.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    waiting.until(lambda b: b.find_element(By.CSS_SELECTOR, ".recovery-codes + div a")).click()
    waiting.until(lambda b: b.find_element(By.ID, "user-tools"))


def _visited(chrome: webdriver.Chrome, url: str) -> Iterator[str]:
    """Look at a page, which must break no policy; return the paths in the admin it leads to."""
    chrome.get(url)
    found = chrome.execute_script("return [...document.links].map(link => link.href)")
    violations = [line for line in complaints(chrome) if REFUSED not in line]
    assert violations == [], url
    for link in found:
        parts = urlsplit(link)
        if parts.hostname == NAME and parts.path.startswith(ADMIN):
            yield parts.path
            if parts.path.endswith("/change/"):
                yield parts.path.removesuffix("change/") + "history/"


def _ask_why(chrome: webdriver.Chrome) -> None:
    """Press a button; the page between it and its deed asks for a reason."""
    chrome.get(ROOT + reverse("admin:accounts_user_changelist"))
    chrome.find_element(By.NAME, "_selected_action").click()
    Select(chrome.find_element(By.NAME, "action")).select_by_value("lock_out")
    chrome.find_element(By.CSS_SELECTOR, ".actions button").click()
    WebDriverWait(chrome, 20).until(lambda b: b.find_element(By.NAME, "reason"))
    assert complaints(chrome) == []


def _name(path: str) -> str | None:
    try:
        return resolve(path).url_name
    except Resolver404:
        return None


def _names() -> set[str]:
    """Return the names of all pages of the admin."""
    _, resolver = get_resolver().namespace_dict["admin"]
    return {name for name in resolver.reverse_dict if isinstance(name, str)}
