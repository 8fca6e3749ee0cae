"""The guides' own code, against a running service and a real browser."""

from __future__ import annotations

import re
import types
import urllib.error
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from selenium import webdriver

from tests.browser import complaints
from tests.database import url_of
from tests.http import logged_in, registered
from tests.people import PASSWORD
from tests.serving import Service

GUIDES = Path(__file__).parent.parent / "docs" / "guides"
EMAIL = "ada@example.org"
SHOP = "https://shop.example"


def _code(guide: str, language: str) -> str:
    text = (GUIDES / guide).read_text(encoding="utf-8")
    blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert blocks
    return "\n".join(blocks)


def _module(guide: str, service: Service) -> Any:
    """Run the guide's Python as a module that talks to ``service``."""
    module = types.ModuleType(guide.removesuffix(".md"))
    exec(_code(guide, "python").replace("http://127.0.0.1:8000", service.url), vars(module))
    return module


def _in_page(browser: webdriver.Chrome, code: str, last: str) -> Any:
    """Run ``code`` in the page and return what the expression ``last`` comes to."""
    return browser.execute_async_script(
        f"const done = arguments[0]; (async () => {{ {code}; return {last}; }})()"
        ".then(done, error => done(`failed: ${error.message}`));"
    )


def test_browser_guide_works_in_a_browser(serve, browser):
    service = serve(workers=1)
    registered(service, EMAIL).close()
    browser.get(f"{service.url}/api/v1/docs/")
    complaints(browser)
    code = _code("browser.md", "js")
    log_in = f"await getReady(); const account = await logIn({EMAIL!r}, {PASSWORD!r})"
    me = "(await (await call('GET', 'me')).json()).email"
    assert _in_page(browser, f"{code}; {log_in}", "account.email") == EMAIL
    assert _in_page(browser, code, me) == EMAIL
    assert "sid" in {cookie["name"] for cookie in browser.get_cookies() if cookie["httpOnly"]}
    assert "srs_" not in _in_page(browser, "", "document.cookie")
    # Another tab has no CSRF token yet: it may look, and change nothing.
    refused = _in_page(browser, code, "(await call('POST', 'sessions/revoke-all')).status")
    assert refused == 403
    gone = f"{code}; await getReady(); await logOut()"
    assert _in_page(browser, gone, "(await call('GET', 'me')).status") == 401


def test_mobile_guide_refreshes_and_knows_when_it_is_over(serve):
    service = serve(workers=2, REFRESH_GRACE_S="1")
    registered(service, EMAIL).close()
    account = _module("mobile.md", service).Account()
    account.log_in(EMAIL, PASSWORD)
    first = (account.token, account.refresh_token)
    with psycopg.connect(url_of("owner", service.database), autocommit=True) as connection:
        connection.execute("UPDATE session SET token_expires_at = now() - interval '1 second'")
        assert account.call("GET", "/me/")["email"] == EMAIL
        assert account.token != first[0]
        assert account.refresh_token != first[1]
        # A copy of the first one turns up, later than any grace.
        connection.execute("UPDATE refresh_family SET rotated_at = now() - interval '1 hour'")
        thief = _module("mobile.md", service).Account()
        thief.token, thief.refresh_token = first
        with pytest.raises(Exception, match=r"^$") as refused:
            thief.renew(first[0])
        assert type(refused.value).__name__ == "LoggedOut"
    with pytest.raises(urllib.error.HTTPError) as ended:
        account.call("GET", "/me/")
    assert ended.value.code == 401


def test_service_guide_tells_whose_a_token_is(serve):
    service = serve(workers=2, JWT_AUDIENCES=SHOP)
    ada = registered(service, EMAIL)
    me = ada.call("GET", "/api/v1/me/")[2]["id"]
    made = service.command("service_key_create", "shop", "--scope", "sessions:introspect")
    key = made.stdout.split()[-1]
    shop = _module("protect-your-service.md", service)
    assert shop.whose(ada.token, key)["sub"] == me
    assert shop.whose("srs_nonsense", key) is None
    _, _, made_jwt = ada.call("POST", "/api/v1/auth/token/", {"audience": SHOP})
    claims = shop.claims_of(made_jwt["access_token"])
    assert claims["sub"] == me
    for_us = ada.call("POST", "/api/v1/auth/token/", {})[2]["access_token"]
    with pytest.raises(jwt.InvalidAudienceError):
        shop.claims_of(for_us)
    assert ada.call("POST", "/api/v1/auth/logout/")[0] == 204
    assert shop.whose(ada.token, key) is None
    assert logged_in(service.url, EMAIL).call("GET", "/api/v1/me/")[0] == 200
