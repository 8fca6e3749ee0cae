"""SIGHUP: values of files change while requests go on, and a wrong one changes nothing."""

from __future__ import annotations

import os
import re
import signal
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core import signing

from tests.http import Client, logged_in, registered
from tests.serving import Service
from tests.waiting import until

CONTACT = "/.well-known/security.txt"
OLDEST_KEY, OLD_KEY, NEW_KEY = "a" * 50, "b" * 50, "c" * 50


@pytest.fixture
def contact(tmp_path: Path) -> Path:
    """The file of a setting that anybody can see."""
    path = tmp_path / "contact"
    path.write_text("mailto:before@example.org\n")
    return path


@pytest.fixture
def keys(tmp_path: Path) -> Callable[..., None]:
    """How to write the files of the secret keys: the one that signs, and what is still accepted."""

    def write(current: str, *former: str) -> None:
        (tmp_path / "key").write_text(current + "\n")
        (tmp_path / "former-keys").write_text(",".join(former) + "\n")

    write(OLD_KEY, OLDEST_KEY)
    return write


@pytest.fixture
def service(serve, contact: Path, keys, tmp_path: Path, monkeypatch) -> Service:
    monkeypatch.delenv("SECRET_KEY")
    served: Service = serve(
        workers=2,
        threads=4,
        SECURITY_CONTACT_FILE=str(contact),
        SECRET_KEY_FILE=str(tmp_path / "key"),
        SECRET_KEY_FALLBACKS_FILE=str(tmp_path / "former-keys"),
    )
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


def _cursor(ada: Client, key: str) -> str:
    """Return a link to Ada's further sessions that ``key`` signed."""
    page = ada.call("GET", "/api/v1/sessions/?limit=1")[2]
    unsigned = page["next"].rpartition("cursor=")[2].rpartition(".")[0]
    signer = signing.Signer(key=key, salt="cursor:sessions", sep=".")
    return f"/api/v1/sessions/?limit=1&cursor={signer.sign(urllib.parse.unquote(unsigned))}"


def _answers(ada: Client, links: list[str]) -> list[int]:
    return [Client(f"http://{ada.address}", ada.token).call("GET", link)[0] for link in links]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_new_values_hold_after_sighup_and_no_request_is_dropped(
    service: Service, contact: Path, keys
):
    former = _booted(service)
    registered(service, "ada@example.org")
    ada = logged_in(service.url, "ada@example.org")
    cursors = [_cursor(ada, key) for key in (OLDEST_KEY, OLD_KEY, NEW_KEY)]
    assert _answers(ada, cursors) == [200, 200, 400]
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
        keys(NEW_KEY, OLD_KEY)
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
    # What the former key signed holds while the key is named, and no longer.
    assert _answers(ada, cursors) == [400, 200, 200]
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
