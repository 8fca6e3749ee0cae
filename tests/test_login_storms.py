"""Many logins at once, guessing while Valkey is gone: over HTTP, against real processes."""

from __future__ import annotations

import collections
import http.client
import re
import threading
from pathlib import Path

from tests.http import Client, registered
from tests.people import PASSWORD

HASH_KIB = 47_104
SLACK_KIB = 40 * 1_024


def _peak_kib(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def _priorities(pid: int) -> set[int]:
    """Return by how much each thread of a process steps back for others."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return {int(stat.rpartition(")")[2].split()[16]) for stat in stats}


def _log_in(url: str, password: str = PASSWORD) -> tuple[int, dict[str, str]]:
    client = Client(url, timeout=60)
    body = {"email": "ada@example.org", "password": password}
    status, headers, _ = client.call("POST", "/api/v1/auth/login/", body)
    client.close()
    return status, headers


def test_attack_32_fifty_logins_at_once_take_bounded_memory_and_others_are_answered(serve):
    many = {"GUESSES_PER_ACCOUNT_MAX": "1000", "GUESSES_PER_ADDRESS_MAX": "1000"}
    service = serve(workers=2, threads=8, **many)
    ada = registered(service, "ada@example.org")
    before = {pid: _peak_kib(pid) for pid in service.workers()}
    assert len(before) == 2
    answers: list[tuple[int, dict[str, str]]] = []
    gate = threading.Barrier(51)

    def storm() -> None:
        gate.wait()
        answers.extend(_log_in(service.url) for _ in range(4))

    threads = [threading.Thread(target=storm) for _ in range(50)]
    for thread in threads:
        thread.start()
    gate.wait()
    meanwhile = []
    while any(thread.is_alive() for thread in threads):
        meanwhile.append(ada.call("GET", "/api/v1/me/")[0])
    for thread in threads:
        thread.join()
    statuses = collections.Counter(status for status, _ in answers)
    assert set(statuses) == {200, 503}
    assert all(int(headers["retry-after"]) > 0 for status, headers in answers if status == 503)
    assert meanwhile
    assert set(meanwhile) == {200}
    for pid, peak in before.items():
        assert _peak_kib(pid) - peak <= 2 * HASH_KIB + SLACK_KIB, "more than two hashes at one time"
        assert len(_priorities(pid)) == 2, "hashes go first"
    assert _log_in(service.url)[0] == 200


def test_attack_32_huge_bodies_are_refused_unread(serve):
    service = serve(workers=1, threads=2)
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", "/api/v1/auth/login/")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(200 * 1_024 * 1_024))
    connection.endheaders(b'{"email": "ada@example.org", "password": "' + b"x" * 100_000)
    answer = connection.getresponse()
    assert answer.status == 413
    connection.close()


def test_guessing_stays_closed_when_valkey_is_gone(serve):
    # A port nobody listens on.
    service = serve(workers=2, threads=2, REDIS_URL="redis://127.0.0.1:1/0")
    assert registered(service, "ada@example.org").call("GET", "/api/v1/me/")[0] == 200
    statuses = [_log_in(service.url, "wrong password, quite long")[0] for _ in range(14)]
    assert statuses.count(401) <= 10
    assert set(statuses) == {401, 429}
