"""Staff at work: the admin in a real browser, on the demo's data."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import complaints, enter_admin

DEMO = Path(__file__).parent.parent / "demo" / "czech-bank-1993.csv.gz"
ACCOUNT = "cz-2378"


def _slice_of_demo(target: Path) -> int:
    """Write the rows of one account; return its final balance."""
    with gzip.open(DEMO, "rt", newline="") as file:
        reader = csv.DictReader(file)
        rows = [row for row in reader if row["account"] == ACCOUNT]
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return int(rows[-1]["balance_after_minor"])


def test_staff_finds_an_account_and_reads_its_statement(serve, browser, tmp_path):
    service = serve(workers=1)
    final = _slice_of_demo(tmp_path / "slice.csv")
    service.command("ledger_import", str(tmp_path / "slice.csv"))
    enter_admin(browser, service)
    browser.save_screenshot(str(tmp_path / "index.png"))

    browser.get(f"{service.url}/admin/transactions/ledgeraccount/?q={ACCOUNT}")
    (row,) = browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")
    assert f"{final // 100:,}.{final % 100:02d} CZK" in row.text
    browser.save_screenshot(str(tmp_path / "accounts.png"))
    row.find_element(By.LINK_TEXT, "Statement").click()
    WebDriverWait(browser, 10).until(lambda b: "Statement of" in b.title)
    lines = browser.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")
    assert f"{final // 100:,}.{final % 100:02d} CZK" in lines[-1].text
    browser.save_screenshot(str(tmp_path / "statement.png"))
    lines[0].find_element(By.TAG_NAME, "a").click()
    WebDriverWait(browser, 10).until(lambda b: "cz-" in b.page_source)
    browser.save_screenshot(str(tmp_path / "transaction.png"))
    for page in (
        "accounts/user",
        "sessions_app/session",
        "transactions/entryline",
        "transactions/transaction",
        "core/auditevent",
        "auth/group",
    ):
        browser.get(f"{service.url}/admin/{page}/")
    assert complaints(browser) == []


def test_api_documents_work_offline_under_the_policy(serve, browser, tmp_path):
    service = serve(workers=1)
    # Swagger UI draws what is further down when somebody scrolls there; Redoc draws all of it.
    for page, words in (("docs", "List assets"), ("redoc", "Post a transaction")):
        browser.get(f"{service.url}/api/v1/{page}/")
        body = expected_conditions.text_to_be_present_in_element((By.TAG_NAME, "body"), words)
        WebDriverWait(browser, 60).until(body)
        browser.save_screenshot(str(tmp_path / f"{page}.png"))
    assert complaints(browser) == []
