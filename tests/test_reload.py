"""SIGHUP: values of files change while requests go on, and a wrong one changes nothing."""

from __future__ import annotations

import os
import re
import signal
import threading
import urllib.request
from pathlib import Path

import pytest

from tests.http import Client
from tests.serving import Service
from tests.waiting import until

CONTACT = "/.well-known/security.txt"


@pytest.fixture
def contact(tmp_path: Path) -> Path:
    """The file of a setting that anybody can see."""
    path = tmp_path / "contact"
    path.write_text("mailto:before@example.org\n")
    return path


@pytest.fixture
def service(serve, contact: Path) -> Service:
    served: Service = serve(workers=2, threads=4, SECURITY_CONTACT_FILE=str(contact))
    return served


def _shown(service: Service) -> str:
    with urllib.request.urlopen(service.url + CONTACT, timeout=10) as answer:
        found = re.search(r"Contact: (\S+)", answer.read().decode())
        assert found
        return found[1]


def _booted(service: Service) -> list[int]:
    found = re.findall(r"Booting worker with pid: (\d+)", service.log.read_text())
    return list(map(int, found))


def _reload(service: Service) -> None:
    """Send the signal; return once the trial has passed."""
    service.process.send_signal(signal.SIGHUP)
    until(lambda: "the new configuration starts" in service.log.read_text())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_new_values_hold_after_sighup_and_no_request_is_dropped(service: Service, contact: Path):
    former = _booted(service)
    seen: list[int] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            seen.append(Client(service.url).call("GET", CONTACT)[0])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        contact.write_text("mailto:after@example.org\n")
        assert _shown(service) == "mailto:before@example.org"
        _reload(service)
        until(lambda: _shown(service) == "mailto:after@example.org")
        until(lambda: not any(map(_is_alive, former)))
        assert {_shown(service) for _ in range(20)} == {"mailto:after@example.org"}
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert set(seen) == {200}
    assert len(_booted(service)) == 4
    assert service.process.poll() is None, "it is the same process still"


def test_wrong_configuration_is_refused_and_the_old_one_goes_on(service: Service, contact: Path):
    contact.write_text("carrier pigeon\n")
    service.process.send_signal(signal.SIGHUP)
    until(lambda: "reload_refused" in service.log.read_text())
    said = next(line for line in service.log.read_text().splitlines() if "reload_refused" in line)
    assert "SECURITY_CONTACT must start with mailto:" in said
    assert "Traceback" not in said
    assert _shown(service) == "mailto:before@example.org"
    assert len(_booted(service)) == 2

    contact.write_text("mailto:mended@example.org\n")
    _reload(service)
    until(lambda: _shown(service) == "mailto:mended@example.org")
    assert service.stop() == 0
