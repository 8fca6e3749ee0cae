"""Cookies between us and other programs: what one makes, the other keeps and sends."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from typing_extensions import override

from core import clock
from sessions_app import conformance, services
from sessions_app.tests.cookies import define, filled_jar, header, issue, token_in
from tests.people import Person

pytestmark = pytest.mark.django_db
# These two cannot travel: a header cannot hold NUL or a lone CR.
NOT_HTTP = {"disabled-chromium0022", "disabled-chromium0023"}
# Chromium takes no nameless cookie with an equals sign in its value; the specification does.
STRICTER = {"name0017", "name0025"}


class Site:
    """A site that sets ``lines`` at ``/set``, and answers elsewhere with the Cookie it was sent."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.location = ""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.startswith(("/set", "/cookie-parser?")):
                    self.send_response_only(302 if outer.location else 200)
                    for line in outer.lines:
                        self.wfile_header(f"Set-Cookie: {line}")
                    if outer.location:
                        self.wfile_header(f"Location: {outer.location}")
                    body = b"set"
                else:
                    self.send_response_only(200)
                    body = self.headers.get("Cookie", "").encode("latin-1").hex().encode()
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def wfile_header(self, field: str) -> None:
                """Add a header of any octets: send_header would encode it in latin-1."""
                self._headers_buffer.append(field.encode() + b"\r\n")  # type: ignore[attr-defined]  # its own

            @override
            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site for one test."""
    running = Site()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def browser_flags(site: Site) -> list[str]:
    """Let every host be the site."""
    return [f"--host-resolver-rules=MAP *.example.org:8888 127.0.0.1:{site.server.server_port}"]


def _shown(browser: webdriver.Chrome, url: str) -> str:
    """Return the Cookie header that the browser sends to ``url``."""
    browser.get(url)
    return bytes.fromhex(browser.find_element(By.TAG_NAME, "body").text).decode()


def test_browser_keeps_what_issue_makes(site: Site, browser: webdriver.Chrome):
    define()
    site.lines = [issue().set_cookie]
    browser.get(f"{site.url}/set")
    expected = f"__Host-basket={token_in(site.lines[0])}"
    assert _shown(browser, f"{site.url}/any/where") == expected
    assert browser.execute_script("return document.cookie") == ""
    (kept,) = browser.get_cookies()
    assert (kept["httpOnly"], kept["secure"], kept["sameSite"]) == (True, True, "Lax")


def test_browser_keeps_what_export_writes(site: Site, browser: webdriver.Chrome, ada: Person):
    jar_id = filled_jar(
        ada.principal,
        "a",
        "plain=1",
        'odd="a b, c"',
        "hidden=2; HttpOnly; SameSite=Strict; Path=/deep",
        "lasts=3; Max-Age=600",
        url=f"{site.url}/",
    )
    state = services.export_playwright(jar_id=jar_id, actor=ada.principal)
    browser.execute_cdp_cmd("Storage.setCookies", {"cookies": state["cookies"]})
    for path in ("/", "/deep/er"):
        url = f"{site.url}{path}"
        assert sorted(_shown(browser, url).split("; ")) == sorted(
            header(ada.principal, jar_id, url).split("; ")
        )


def test_browser_answers_the_public_vectors_as_the_jar_does(site: Site, browser: webdriver.Chrome):
    differing = {}
    for vector in conformance.vectors():
        if vector.name in NOT_HTTP:
            continue
        browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        site.lines, site.location = vector.lines, vector.location
        theirs = _shown(browser, f"{conformance.SERVER}/cookie-parser?{vector.name}")
        ours = conformance.answer_to(vector, at=clock.now())
        if theirs != ours:
            differing[vector.name] = (theirs, ours)
    assert set(differing) == STRICTER


def _curl(site: Site, path: str, *options: Path | str) -> bytes:
    asked = subprocess.run(
        ["curl", "-sS", *options, f"{site.url}{path}"], check=True, capture_output=True, timeout=20
    )
    return asked.stdout


def test_curl_keeps_what_issue_makes(site: Site, tmp_path: Path):
    define()
    kept = tmp_path / "cookies.txt"
    site.lines = [issue().set_cookie]
    _curl(site, "/set", "-c", kept)
    assert "#HttpOnly_127.0.0.1\tFALSE\t/\tTRUE\t" in kept.read_text()
    sent = bytes.fromhex(_curl(site, "/", "-b", kept).decode()).decode()
    assert sent == f"__Host-basket={token_in(site.lines[0])}"


def test_curl_sends_what_export_writes_and_import_reads_what_curl_wrote(
    site: Site, tmp_path: Path, ada: Person
):
    lines = ("k=v; HttpOnly", "e=1; Max-Age=600", "deep=2; Path=/deep")
    jar_id = filled_jar(ada.principal, "a", *lines, url=f"{site.url}/")
    given = tmp_path / "given.txt"
    given.write_text(services.export_netscape(jar_id=jar_id, actor=ada.principal))
    written = tmp_path / "written.txt"
    sent = bytes.fromhex(_curl(site, "/deep/", "-b", given, "-c", written).decode()).decode()
    ours = header(ada.principal, jar_id, f"{site.url}/deep/")
    assert sorted(sent.split("; ")) == sorted(ours.split("; "))
    other = services.create_jar(label="b", actor=ada.principal)
    services.import_netscape(jar_id=other.pk, text=written.read_text(), actor=ada.principal)
    assert sorted(header(ada.principal, other.pk, f"{site.url}/deep/").split("; ")) == sorted(
        ours.split("; ")
    )
