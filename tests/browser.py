"""Headless Chromium with its console and policy violations kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.http import STAFF_PASSWORD, staff
from tests.serving import Service

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --window-size=1280,1000"
)


@pytest.fixture
def browser_flags() -> list[str]:
    """Flags that a test module needs besides: it has a fixture of this name."""
    return []


@pytest.fixture
def browser(tmp_path: Path, browser_flags: list[str]) -> Iterator[webdriver.Chrome]:
    """A browser of its own; ``.ci/run`` installs the two programs it needs."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert binary, "install chromium"
    assert driver, "install chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in [*FLAGS.split(), *browser_flags]:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path / 'chromium'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Driver(driver))
    yield chrome
    chrome.quit()


def enter_admin(chrome: webdriver.Chrome, service: Service) -> None:
    """Log in to the admin as Grace, an admin who has chosen her password."""
    staff(service, "grace@example.org")
    chrome.get(f"{service.url}/admin/")
    chrome.find_element(By.NAME, "username").send_keys("grace@example.org")
    chrome.find_element(By.NAME, "password").send_keys(STAFF_PASSWORD)
    chrome.find_element(By.CSS_SELECTOR, "[type=submit]").click()
    WebDriverWait(chrome, 20).until(lambda b: b.find_elements(By.ID, "user-tools"))


def complaints(chrome: webdriver.Chrome) -> list[str]:
    """Return what the browser complained of since last asked: policy, scripts, missing files."""
    return [f"{line['level']}: {line['message']}" for line in chrome.get_log("browser")]
