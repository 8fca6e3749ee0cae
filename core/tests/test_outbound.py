"""Calls to others: guarded by address, by time, by breaker, and never inside a transaction."""

from __future__ import annotations

import socket
import threading

import pytest
from django.db import transaction

from core import breaker, outbound
from tests.peers import Peer


@pytest.fixture
def names(monkeypatch):
    """Names that resolve as told, each time to the next address."""
    told: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        if host in told:
            addresses = told[host]
            address = addresses.pop(0) if len(addresses) > 1 else addresses[0]
            return real(address, port, *args, **kwargs)
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return told


PRIVATE = [
    "http://127.0.0.1/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://127.1/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_address_is_refused(url):
    with pytest.raises(outbound.CallRefused):
        outbound.require_public(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://u:p@example.org/",
        "https://exa mple.org:x/",
        "not a url",
        "https://[::1/",
    ],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(outbound.CallRefused):
        outbound.require_public(url)


def test_plain_http_needs_a_network_of_ours(names):
    names["hooks.example"] = ["93.184.216.34"]
    with pytest.raises(outbound.CallRefused, match="https"):
        outbound.require_public("http://hooks.example/")


def test_one_private_address_among_public_ones_is_refused(monkeypatch):
    def both(host, port, *args, **kwargs):
        return [(2, 1, 6, "", (address, port)) for address in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(outbound.CallRefused):
        outbound.require_public("https://hooks.example/")


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_call_goes_to_the_address_that_was_checked(names):
    """The name leads elsewhere when it is asked a second time; nobody asks a second time."""
    first = Peer("127.0.0.1")
    second = Peer("127.0.0.2", first.port)
    try:
        names["hooks.example"] = ["127.0.0.1", "127.0.0.2"]
        url = f"http://hooks.example:{first.port}/x"
        answer = outbound.call("POST", url, purpose="test", body=b"{}")
    finally:
        first.close()
        second.close()
    assert (answer.status, answer.body) == (200, b"ok")
    ((method, path, headers, body),) = first.seen
    assert (method, path, body) == ("POST", "/x", b"{}")
    assert headers["host"] == f"hooks.example:{first.port}"
    assert second.seen == []


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
@pytest.mark.parametrize("location", ["http://10.0.0.1/", "https://[::1]/", "ftp://example.org/"])
def test_redirect_into_a_private_network_is_refused(peer, location):
    peer.answers["/"] = (307, {"Location": location}, b"")
    with pytest.raises(outbound.CallRefused):
        outbound.call("POST", f"{peer.url}/", purpose="test", body=b"{}")
    assert len(peer.seen) == 1


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_redirect_keeps_method_and_body_but_not_credentials_of_another_host(peer):
    other = Peer()
    peer.answers["/"] = (308, {"Location": f"{other.url}/there"}, b"")
    given = {"Authorization": "Bearer x"}
    try:
        answer = outbound.call("POST", f"{peer.url}/", purpose="test", body=b"1", headers=given)
    finally:
        other.close()
    assert answer.status == 200
    ((method, path, headers, body),) = other.seen
    assert (method, path, body) == ("POST", "/there", b"1")
    assert "authorization" not in headers


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_endless_redirects_end(peer):
    peer.answers["/"] = (307, {"Location": f"{peer.url}/"}, b"")
    with pytest.raises(outbound.CallRefused, match="redirects"):
        outbound.call("GET", f"{peer.url}/", purpose="test")
    assert len(peer.seen) == outbound.REDIRECTS_MAX + 1


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_server_faults_open_the_breaker_and_refusals_do_not(peer):
    peer.answers["/no"] = (404, {}, b"no")
    for _ in range(breaker.FAILURES_MAX + 1):
        assert outbound.call("GET", f"{peer.url}/no", purpose="test").status == 404
    peer.answers["/down"] = (503, {"Retry-After": "7"}, b"")
    for _ in range(breaker.FAILURES_MAX):
        with pytest.raises(outbound.CallFailed) as failed:
            outbound.call("GET", f"{peer.url}/down", purpose="test")
        assert failed.value.retry_after_s == 7
    asked = len(peer.seen)
    with pytest.raises(outbound.CallFailed) as rests:
        outbound.call("GET", f"{peer.url}/no", purpose="test")
    assert 0 < (rests.value.retry_after_s or 0) <= breaker.REST_S
    assert len(peer.seen) == asked


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_dead_server_is_told_in_words():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(outbound.CallFailed, match="connection failed"):
            outbound.call("GET", url, purpose="test")


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_silent_server_is_given_up(monkeypatch):
    monkeypatch.setattr(outbound, "READ_TIMEOUT_S", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(outbound.CallFailed, match="in time"):
            outbound.call("GET", url, purpose="test")


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """How long calls waited before they were repeated; nobody really does."""
    waited: list[float] = []
    monkeypatch.setattr("core.outbound.time.sleep", waited.append)
    monkeypatch.setattr(outbound, "_budget", outbound._RetryBudget())
    return waited


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_repetitions_wait_longer_each_time_and_at_random(peer, pauses, monkeypatch):
    monkeypatch.setattr(breaker, "FAILURES_MAX", 1_000)
    peer.answers["/"] = (500, {}, b"")
    for _ in range(5):
        with pytest.raises(outbound.CallFailed):
            outbound.call("GET", f"{peer.url}/", purpose="test", attempts_max=3)
    firsts, seconds = pauses[::2], pauses[1::2]
    assert all(0 <= each <= 2 * outbound.PAUSE_S_BASE for each in firsts)
    assert all(0 <= each <= 4 * outbound.PAUSE_S_BASE for each in seconds)
    assert len(set(firsts)) == 5, "they would all come at once"


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_server_says_how_long_to_wait_or_that_it_is_too_long(peer, pauses):
    peer.answers["/"] = (503, {"Retry-After": "2"}, b"")
    peer.answers["/later"] = (503, {"Retry-After": "600"}, b"")
    for path in ("", "later"):
        with pytest.raises(outbound.CallFailed):
            outbound.call("GET", f"{peer.url}/{path}", purpose="test", attempts_max=2)
    assert pauses == [2]
    assert [path for _, path, *_ in peer.seen] == ["/", "/", "/later"]


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_refusal_is_not_repeated(peer, pauses):
    peer.answers["/"] = (400, {}, b"")
    answer = outbound.call("GET", f"{peer.url}/", purpose="test", attempts_max=3)
    assert (answer.status, len(peer.seen), pauses) == (400, 1, [])


def test_silent_name_server_holds_nobody_up(monkeypatch):
    is_over = threading.Event()
    monkeypatch.setattr(outbound, "RESOLVE_TIMEOUT_S", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_over.wait(60) and [])
    with pytest.raises(outbound.CallFailed, match="resolved in time"):
        outbound.require_public("https://hooks.example/")
    is_over.set()


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_repetitions_end_with_the_budget(peer, pauses, monkeypatch):
    monkeypatch.setattr(breaker, "FAILURES_MAX", 1_000)
    peer.answers["/"] = (500, {}, b"")
    for _ in range(10):
        with pytest.raises(outbound.CallFailed):
            outbound.call("GET", f"{peer.url}/", purpose="test", attempts_max=3)
    assert len(peer.seen) == 10 + outbound.RETRY_BUDGET_MAX


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_long_answer_is_cut(peer):
    peer.answers["/"] = (200, {}, b"x" * (outbound.ANSWER_BYTES_MAX * 3))
    answer = outbound.call("GET", f"{peer.url}/", purpose="test")
    assert len(answer.body) == outbound.ANSWER_BYTES_MAX


@pytest.mark.django_db
def test_call_inside_a_transaction_is_a_mistake(peer):
    with transaction.atomic(), pytest.raises(AssertionError, match="transaction"):
        outbound.call("GET", peer.url, purpose="test")
    assert peer.seen == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("999999", outbound.RETRY_AFTER_S_MAX),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text, seconds):
    assert outbound.Answer(503, {"retry-after": text}, b"").retry_after_s == seconds
