"""Settings changed in the admin under load: every worker follows within ten seconds."""

from __future__ import annotations

import http.cookiejar
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Self

import psycopg
import pytest

from core import clock, modes, runtime_settings
from core.models import RuntimeSetting
from tests.database import url_of
from tests.http import Client, registered
from tests.people import PASSWORD
from tests.serving import Service

FOLLOWED_WITHIN_S = 10
WORKERS = 4


class Staff:
    """A browser of somebody in the admin."""

    def __init__(self, service: Service) -> None:
        self.url = service.url
        service.command(
            *("shell", "-v", "0", "-c"),
            "from tests.people import make_person; make_person('grace@example.org', role='admin')",
        )
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.browser = urllib.request.build_opener(jar)
        self.post("/admin/login/", username="grace@example.org", password=PASSWORD)

    def post(self, path: str, **form: str) -> str:
        """Open the page, fill its form in and send it; return what comes."""
        page = self.browser.open(self.url + path).read().decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found, page
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": found[1], **form}).encode()
        request = urllib.request.Request(self.url + path, body, {"Referer": self.url + path})
        answer: str = self.browser.open(request).read().decode()
        return answer

    def set_setting(self, name: str, value: str) -> str:
        return self.post(
            f"/admin/core/runtimesetting/{name}/change/", value=value, reason="a drill of ours"
        )


class Load:
    """Clients that ask all the time, each on new connections, so that every worker is asked."""

    def __init__(self, url: str, token: str, threads: int = 6) -> None:
        self.url, self.token = url, token
        self.seen: list[tuple[float, int, str]] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._is_over.is_set():
            client = Client(self.url, self.token)
            status, _, body = client.call("PATCH", "/api/v1/me/", {"name": "Ada"}, If_Match='"0"')
            self.seen.append((time.monotonic(), status, body.get("code", "")))
            client.close()

    def statuses_after(self, moment: float) -> set[int]:
        return {status for at, status, _ in self.seen if at > moment}


@pytest.mark.parametrize("valkey", ["there", "away"])
def test_change_in_the_admin_under_load_holds_on_four_workers_within_ten_seconds(serve, valkey):
    changes = {} if valkey == "there" else {"REDIS_URL": "unix:///no/such/valkey.sock"}
    service = serve(
        workers=WORKERS, threads=2, LIMIT_USER_REQUESTS="1000000", STAFF_MFA="optional", **changes
    )
    assert len(service.workers()) == WORKERS
    ada, grace = registered(service, "ada@example.org"), Staff(service)
    with Load(service.url, ada.token) as load:
        time.sleep(1)
        began = time.monotonic()
        refused = grace.set_setting("service_mode", "holiday")
        assert "Select a valid choice" in refused
        grace.set_setting("service_mode", "read_only")
        latest = time.monotonic() + FOLLOWED_WITHIN_S
        while time.monotonic() < latest + 3:
            time.sleep(0.1)
    assert load.statuses_after(0) == {412, 503}, "nothing was dropped, nothing broke"
    assert {s for at, s, _ in load.seen if at < began} == {412}
    assert load.statuses_after(latest) == {503}, "a worker did not follow"
    assert {code for at, _, code in load.seen if at > latest} == {"MAINT_READ_ONLY"}
    with psycopg.connect(url_of("owner", service.database)) as connection:
        audited = connection.execute(
            "SELECT target_id, data->>'after' FROM audit_event WHERE action = 'setting.change'"
        ).fetchall()
    assert audited == [("service_mode", "read_only")]


def test_modes_over_real_workers(serve):
    service = serve(workers=2)
    ada = registered(service, "ada@example.org")
    grace = Staff(service)
    why = ("--reason", "a drill of ours")
    service.command("mode_set", "maintenance", "--message", "Back at noon.", *why)
    status, headers, problem = _asked_until(ada, 503)
    assert problem["code"] == "MAINT_IN_PROGRESS"
    assert problem["detail"] == "Back at noon."
    assert (status, headers["retry-after"]) == (503, "120")
    assert Client(service.url).call("GET", "/health/live")[0] == 200
    assert Client(service.url).call("GET", "/health/ready")[0] == 200
    assert "runtime setting" in grace.browser.open(service.url + "/admin/").read().decode().lower()
    service.command("mode_set", "normal", *why)
    assert _asked_until(ada, 200)[0] == 200


def _asked_until(client: Client, wanted: int) -> tuple[int, dict[str, str], dict[str, str]]:
    until = time.monotonic() + FOLLOWED_WITHIN_S
    while True:
        answer = client.call("GET", "/api/v1/me/")
        if answer[0] == wanted:
            return answer
        assert time.monotonic() < until, answer


def test_other_processes_read_it_anew(committed_db, monkeypatch):
    runtime_settings.assume({})
    RuntimeSetting.objects.filter(name="service_mode").update(value="read_only")
    assert modes.MODE.value == "normal", "what was just read counts for a while"
    now_ms = clock.monotonic_ms()
    monkeypatch.setattr(clock, "monotonic_ms", lambda: now_ms + runtime_settings.REREAD_MS + 500)
    assert modes.MODE.value == "read_only"
