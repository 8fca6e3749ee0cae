"""The guides' own code, against a running service and a real browser."""

from __future__ import annotations

import datetime as dt
import re
import types
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from selenium import webdriver

from core import clock
from tests.browser import complaints
from tests.database import url_of
from tests.http import logged_in, opened, posting, registered, staff
from tests.people import PASSWORD
from tests.serving import Service, serving

GUIDES = Path(__file__).parent.parent / "docs" / "guides"
EMAIL = "ada@example.org"
SHOP = "https://shop.example"
# The tests of one guide share one service.
together = pytest.mark.xdist_group("money_guide")


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


@pytest.fixture(scope="module")
def house(tmp_path_factory, worker_id) -> Iterator[dict[str, Any]]:
    """Ada with a purse, Bob with a shop, a cashier, a key for the books, and the guide's code."""
    with serving(tmp_path_factory.mktemp("house"), f"{worker_id}-9") as start:
        service = start(workers=2)
        ada, bob = registered(service, EMAIL), registered(service, "bob@example.org")
        cashier = staff(service)
        purse, shop = opened(ada, "purse"), opened(bob, "shop")
        assert cashier.post_transaction(posting("cash", purse, 10_000))[0] == 201
        scopes = ("reconciliations:read", "reconciliations:write")
        wanted = [word for scope in scopes for word in ("--scope", scope)]
        made = service.command("service_key_create", "books", *wanted)
        yield {
            "guide": _module("money.md", service),
            "service": service,
            "ada": ada,
            "bob": bob,
            "cashier": cashier,
            "books": made.stdout.split()[-1],
            "purse": purse,
            "shop": shop,
        }


def _balance(house: dict[str, Any], who: str, account: str) -> int:
    path = f"/api/v1/ledger-accounts/{account}/balance/"
    return int(house[who].call("GET", path)[2]["posted"])


@together
def test_guide_holds_are_charged_and_let_go(house):
    guide, ada, bob = house["guide"], house["ada"].token, house["bob"].token
    before = _balance(house, "bob", house["shop"])
    hold = guide.reserve(ada, "o-1", house["purse"], house["shop"], 500)
    assert guide.reserve(ada, "o-1", house["purse"], house["shop"], 500)["id"] == hold["id"]
    assert guide.charge(bob, "o-1", hold["id"], 200, is_last=False)["hold"]["remaining"] == 300
    assert guide.let_go(bob, "o-1", hold["id"], "The guest left.")["status"] == "released"
    with pytest.raises(guide.Refused) as refused:
        guide.charge(bob, "o-1", hold["id"], 100)
    assert refused.value.code == "HOLD_NOT_PENDING"
    assert _balance(house, "bob", house["shop"]) == before + 200


@together
def test_guide_gives_back(house):
    guide = house["guide"]
    _, sold = house["ada"].post_transaction(posting(house["purse"], house["shop"], 300))
    before = _balance(house, "ada", house["purse"])
    guide.give_back(house["bob"].token, "c-1", sold["id"], "It was broken.", 100)
    guide.give_back(house["bob"].token, "c-2", sold["id"], "It was broken.")
    assert _balance(house, "ada", house["purse"]) == before + 300
    with pytest.raises(guide.Refused) as refused:
        guide.give_back(house["bob"].token, "c-3", sold["id"], "Once more.")
    assert refused.value.code == "TXN_ALREADY_REVERSED"


@together
def test_guide_pays_all_who_can_be_paid(house):
    wages = [(house["shop"], 10), ("nobody-has-this", 10), (house["shop"], 20)]
    before = _balance(house, "bob", house["shop"])
    for _ in range(2):
        unpaid = house["guide"].pay_all(house["ada"].token, "2026-11", house["purse"], wages)
        assert unpaid == {"wage-2026-11-1": "LEDGER_ACCOUNT_NOT_FOUND"}
    assert _balance(house, "bob", house["shop"]) == before + 30


@together
def test_guide_pays_later_or_rather_not(house):
    guide, ada = house["guide"], house["ada"].token
    tomorrow = clock.as_rfc3339(clock.now() + dt.timedelta(days=1))
    kept, dropped = (
        guide.pay_later(ada, bill, house["purse"], house["shop"], 5, tomorrow)["id"]
        for bill in ("bill-1", "bill-2")
    )
    assert guide.rather_not(ada, dropped)["status"] == "cancelled"
    with psycopg.connect(url_of("owner", house["service"].database)) as connection:
        connection.execute("UPDATE schedule SET run_at = now()")
    house["service"].command(
        "shell", "-v", "0", "-c", "from transactions.services import post_due; post_due()"
    )
    assert guide.call(ada, "GET", f"/schedules/{kept}/")["status"] == "posted"
    assert guide.call(ada, "GET", f"/schedules/{dropped}/")["status"] == "cancelled"


@together
def test_guide_exchanges(house):
    euros = opened(house["ada"], "euros", "EUR")
    terms = (house["purse"], euros, 1_000, 92_345, 5, 25)
    before = _balance(house, "ada", house["purse"])
    done = house["guide"].exchange(house["cashier"].token, "x-1", *terms)
    assert (done["destination_amount"], _balance(house, "ada", euros)) == (923, 923)
    assert _balance(house, "ada", house["purse"]) == before - 1_025


@together
def test_guide_finds_and_settles_differences(house):
    guide, key, bank = house["guide"], house["books"], opened(house["bob"], "bank")
    for amount in (70, 80):
        assert house["cashier"].post_transaction(posting("cash", bank, amount))[0] == 201
    today = clock.now().date().isoformat()
    csv = f"date,amount_minor,reference,description\n{today},70,,\n{today},-250,,fee\n"
    made, found = guide.differences(key, bank, today, today, csv)
    assert {(line["state"], line["amount"]) for line in found} == {
        *(("unexpected", -250), ("missing", 80)),
    }
    settled = guide.settle(key, made, found[0]["id"], "Posted as fee-2026-11.")
    assert settled["resolved_at"] is not None
