"""The operations page as staff see it: on a desk and on a telephone, without one violation."""

from __future__ import annotations

from selenium.webdriver.common.by import By

from tests.browser import complaints, enter_admin
from tests.http import Client

WIDTHS = {"desk": (1280, 1600), "telephone": (390, 844)}


def test_page_reads_on_a_desk_and_on_a_telephone(serve, browser, tmp_path):
    service = serve(workers=1)
    stranger = Client(service.url)
    for _ in range(30):
        stranger.call("GET", "/api/v1/me/")
    enter_admin(browser, service)
    for window in ("hour", "day"):
        browser.get(f"{service.url}/admin/core/measurement/operations/?window={window}")
        assert "Slowest routes" in browser.find_element(By.ID, "content").text
        assert len(browser.find_elements(By.CSS_SELECTOR, "#content svg")) == 2
        for name, (width, height) in WIDTHS.items():
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {
                    "width": width,
                    "height": height,
                    "deviceScaleFactor": 1,
                    "mobile": name == "telephone",
                },
            )
            browser.save_screenshot(str(tmp_path / f"{window}-{name}.png"))
            page_width = browser.execute_script("return document.documentElement.scrollWidth")
            assert page_width <= width, f"{name} has to scroll sideways"
    assert complaints(browser) == []
