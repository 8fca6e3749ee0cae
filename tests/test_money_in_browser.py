"""Staff at work on money: find, freeze, set limits, reverse, release, print; in a real browser."""

from __future__ import annotations

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.browser import complaints, enter_admin
from tests.http import opened, posting, registered, staff

REASON = "The customer asked for it by phone."


def _press(
    browser: webdriver.Chrome, page: str, words: str, button: str, **fields: str
) -> tuple[str, str]:
    """Find one row, press a button, give a reason; return the question's page and what is told."""
    browser.get(f"{page}/?q={words}")
    (row,) = browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")
    row.find_element(By.CSS_SELECTOR, "input.action-select").click()
    Select(browser.find_element(By.NAME, "action")).select_by_visible_text(button)
    browser.find_element(By.CSS_SELECTOR, "button[name=index]").click()
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.NAME, "reason"))
    question = browser.find_element(By.ID, "content").text
    for name, value in {**fields, "reason": REASON}.items():
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    browser.save_screenshot(f"{browser.capabilities['chrome']['userDataDir']}-{button}.png")
    browser.find_element(By.CSS_SELECTOR, "#content input[type=submit]").click()
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CLASS_NAME, "messagelist"))
    return question, browser.find_element(By.CLASS_NAME, "messagelist").text


def test_staff_finds_and_acts_with_a_reason(serve, browser):
    service = serve(workers=1)
    ada, cashier = registered(service, "ada@example.org"), staff(service)
    purse, shop = opened(ada, "purse"), opened(ada, "shop")
    assert cashier.post_transaction(posting("cash", purse, 10_000))[0] == 201
    sale = {**posting(purse, shop, 300), "reference": "order-42"}
    _, sold = ada.post_transaction(sale)
    _, _, hold = ada.call(
        "POST", "/api/v1/holds/", posting(purse, shop, 50)["postings"][0], Idempotency_Key="h"
    )
    enter_admin(browser, service)
    admin = f"{service.url}/admin/transactions"

    question, told = _press(browser, f"{admin}/transaction", "order-42", "Reverse")
    assert "order-42" in question
    assert "is reversed" in told
    _, told = _press(browser, f"{admin}/hold", hold["id"], "Release")
    assert "is released" in told
    limits = {"floor": "-25.00", "ceiling": "no limit"}
    _, told = _press(browser, f"{admin}/ledgeraccount", purse, "Set limits", **limits)
    assert "has new limits" in told
    _, told = _press(browser, f"{admin}/ledgeraccount", shop, "Freeze")
    assert "is frozen now" in told

    for words in (shop, sold["id"]):
        browser.get(f"{admin}/transaction/?q={words}")
        assert "order-42" in browser.find_element(By.ID, "result_list").text
    account = ada.call("GET", f"/api/v1/ledger-accounts/{purse}/")[2]
    assert (account["posted"], account["floor"]) == (10_000, -2_500)
    assert ada.call("GET", f"/api/v1/holds/{hold['id']}/")[2]["status"] == "released"
    refused = ada.post_transaction(posting(purse, shop, 1))
    assert (refused[0], refused[1]["code"]) == (409, "LEDGER_ACCOUNT_FROZEN")
    assert complaints(browser) == []


def test_statement_draws_the_balance_and_prints_without_the_menu(serve, browser, tmp_path):
    service = serve(workers=1)
    ada, cashier = registered(service, "ada@example.org"), staff(service)
    purse, shop = opened(ada, "purse"), opened(ada, "shop")
    assert cashier.post_transaction(posting("cash", purse, 10_000))[0] == 201
    for amount in (2_500, 500):
        assert ada.post_transaction(posting(purse, shop, amount))[0] == 201
    enter_admin(browser, service)
    browser.get(f"{service.url}/admin/transactions/ledgeraccount/{purse}/statement/")
    chart = browser.find_element(By.CSS_SELECTOR, "svg.balance-chart")
    assert "between 0.00 USD and 100.00 USD" in chart.get_attribute("aria-label")
    # A step for each change: three of them after the opening balance.
    line = chart.find_element(By.CSS_SELECTOR, ".balance").get_attribute("points")
    heights = [float(point.split(",")[1]) for point in line.split()]
    assert min(heights) < heights[-1] < max(heights)
    assert chart.size["height"] > 100
    menu = browser.find_element(By.CLASS_NAME, "breadcrumbs")
    link = browser.find_element(By.LINK_TEXT, "open")
    assert menu.is_displayed()
    browser.save_screenshot(str(tmp_path / "statement.png"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert not menu.is_displayed()
    assert not browser.find_element(By.ID, "header").is_displayed()
    # On the screen a link without a reference is called so; on paper it would be one.
    assert not link.is_displayed()
    assert chart.is_displayed()
    rows = browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")
    assert [row.find_elements(By.TAG_NAME, "td")[3].text for row in rows] == [
        *("100.00 USD", "-25.00 USD", "-5.00 USD"),
    ]
    browser.save_screenshot(str(tmp_path / "printed.png"))
    assert complaints(browser) == []
