"""The only way out: every HTTP call to another service goes through :func:`call`.

It resolves the name itself, refuses every address that is not public, and connects to the address
it has checked, so that a second resolution cannot lead elsewhere (DNS rebinding). Redirects are
checked the same way. It is refused inside a database transaction, which would hold its locks for
as long as somebody else's server likes.
"""

from __future__ import annotations

import dataclasses
import email.utils
import functools
import ipaddress
import queue
import random
import socket
import ssl
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import structlog
import urllib3
from django.conf import settings
from django.db import connections

from core import breaker, clock, metrics, tracing
from core.version import VERSION

CONNECT_TIMEOUT_S: Final = 3.0
READ_TIMEOUT_S: Final = 10.0
TOTAL_TIMEOUT_S: Final = 20.0
RESOLVE_TIMEOUT_S: Final = 3.0
ANSWER_BYTES_MAX: Final = 65_536
REDIRECTS_MAX: Final = 3
RETRY_AFTER_S_MAX: Final = 3_600
# A destination may be asked again at most once for every ten calls that went well.
RETRY_BUDGET_MAX: Final = 10.0
RETRY_BUDGET_GAIN: Final = 0.1
# Before a repetition: full jitter below this, doubled each time. Who is asked to wait for longer
# than the maximum does so outside, in a job that comes back.
PAUSE_S_BASE: Final = 0.2
PAUSE_S_MAX: Final = 5.0
SERVER_FAULT_MIN: Final = 500
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_KEEPING_THE_METHOD: Final = frozenset({307, 308})
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

log = structlog.get_logger(__name__)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class CallFailed(Exception):
    """The call did not do what it was for; trying again later may."""

    def __init__(self, reason: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class DestinationRests(CallFailed):
    """It failed too often lately: nothing was sent, ``retry_after_s`` says when to come back."""


class CallRefused(CallFailed):
    """We do not go there: a private address, another scheme, too many redirects."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most 64 KiB of body, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_s(self) -> int | None:
        """Seconds that ``Retry-After`` asks for (RFC 9110, section 10.2.3), at most an hour."""
        return _retry_after_s(self.headers.get("retry-after", ""))


@dataclasses.dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str
    address: str

    @property
    def destination(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def call(
    method: str,
    url: str,
    *,
    purpose: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    attempts_max: int = 1,
) -> Answer:
    """Call ``url`` and return the answer, whatever its status below 500.

    ``attempts_max`` above 1 is for calls that may safely be repeated, after a pause as random as
    it is long; the retry budget of the destination, or its own ``Retry-After``, may allow fewer.

    Raises:
        CallRefused: we do not go there.
        CallFailed: no connection, no answer in time, a status of 500 or more, or the
            destination rests (``retry_after_s``).
    """
    _refuse_inside_a_transaction()
    for attempt in range(1, attempts_max + 1):
        try:
            answer = _call_following(method, url, body=body, headers=dict(headers or {}))
        except (CallRefused, DestinationRests):
            metrics.OUTBOUND_CALLS.labels(purpose=purpose, outcome="refused").inc()
            raise
        except CallFailed as exc:
            metrics.OUTBOUND_CALLS.labels(purpose=purpose, outcome="failed").inc()
            host = urllib.parse.urlsplit(url).netloc
            pause_s = _pause_s(attempt, exc.retry_after_s)
            if attempt == attempts_max or pause_s > PAUSE_S_MAX or not _budget.take(host):
                raise
            time.sleep(pause_s)
        else:
            metrics.OUTBOUND_CALLS.labels(purpose=purpose, outcome="answered").inc()
            _budget.gain(urllib.parse.urlsplit(url).netloc)
            return answer
    raise AssertionError("the loop returns or raises")


def _pause_s(attempt: int, retry_after_s: int | None) -> float:
    # Not a secret: it only has to differ between callers.
    spread_s = random.uniform(0, min(PAUSE_S_MAX, PAUSE_S_BASE * 2**attempt))  # noqa: S311
    return max(spread_s, retry_after_s or 0)


def require_public(url: str) -> None:
    """Refuse ``url`` now rather than at the first call.

    Raises:
        CallRefused: not http(s), or its name leads to an address that is not public.
        CallFailed: the name cannot be resolved.
    """
    _checked(url)


def _call_following(method: str, url: str, *, body: bytes, headers: dict[str, str]) -> Answer:
    for _ in range(REDIRECTS_MAX + 1):
        target = _checked(url)
        answer = _call_guarded(method, target, body=body, headers=headers)
        location = answer.headers.get("location", "")
        if answer.status not in _REDIRECTS or not location:
            return answer
        if method not in ("GET", "HEAD") and answer.status not in _REDIRECTS_KEEPING_THE_METHOD:
            return answer
        url = urllib.parse.urljoin(url, location)
        if urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(target.destination).netloc:
            headers = {k: v for k, v in headers.items() if k.lower() != "authorization"}
    raise CallRefused("Too many redirects.")


def _call_guarded(method: str, target: _Target, *, body: bytes, headers: dict[str, str]) -> Answer:
    try:
        permit = breaker.ask(target.destination)
    except breaker.Resting as exc:
        raise DestinationRests(
            "The destination failed too often and is left alone for now.",
            retry_after_s=exc.retry_after_s,
        ) from exc
    try:
        answer = _exchange(method, target, body=body, headers=headers)
    except (urllib3.exceptions.HTTPError, OSError) as exc:
        fault = in_words(exc)
        breaker.failed(permit, fault=fault)
        raise CallFailed(fault) from exc
    if answer.status >= SERVER_FAULT_MIN:
        breaker.failed(permit, fault=f"answered {answer.status}")
        raise CallFailed(f"It answered {answer.status}.", retry_after_s=answer.retry_after_s)
    breaker.succeeded(permit)
    return answer


def _exchange(method: str, target: _Target, *, body: bytes, headers: dict[str, str]) -> Answer:
    give_up_at_ms = clock.monotonic_ms() + TOTAL_TIMEOUT_S * 1_000
    host = f"[{target.host}]" if ":" in target.host else target.host
    sent = {"User-Agent": f"Strongroom/{VERSION}", **headers, "Host": f"{host}:{target.port}"}
    address = {"server__address": target.host, "http__request__method": method}
    with tracing.span(f"{method} out", kind="client", **address), _pool(target) as pool:
        if parent := tracing.traceparent():
            sent[tracing.HEADER] = parent
        answer = pool.urlopen(
            method,
            target.path,
            body=body or None,
            headers=sent,
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        )
        received = b""
        while len(received) < ANSWER_BYTES_MAX:
            if clock.monotonic_ms() > give_up_at_ms:
                raise TimeoutError("the answer took too long")
            # What there is, not until a block is full: a slow drip must meet the deadline above.
            piece = answer.read1(ANSWER_BYTES_MAX - len(received))
            if not piece:
                break
            received += piece
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status, named, received)


def _pool(target: _Target) -> urllib3.HTTPConnectionPool:
    if target.scheme == "http":
        return urllib3.HTTPConnectionPool(target.address, target.port, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        target.address,
        target.port,
        maxsize=1,
        ssl_context=_tls(),
        server_hostname=target.host,
        assert_hostname=target.host,
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _checked(url: str) -> _Target:
    """Take ``url`` apart, resolve its name once, and check every address it leads to."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port
        host = host.encode("idna").decode() if not host.isascii() else host
    except (ValueError, UnicodeError) as exc:
        raise CallRefused("The address is not a URL.") from exc
    if parts.scheme not in ("http", "https") or not host:
        raise CallRefused("The address must start with https://.")
    if parts.username or parts.password:
        raise CallRefused("The address must not hold a user name or password.")
    port = port or (443 if parts.scheme == "https" else 80)
    addresses = _resolved(host, port)
    are_ours = all(_is_allowed_though_private(address) for address in addresses)
    if not are_ours and not all(_is_public(address) for address in addresses):
        raise CallRefused("The address leads into a private network.")
    if parts.scheme == "http" and not are_ours:
        raise CallRefused("The address must start with https://.")
    path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    return _Target(parts.scheme, host, port, path, str(addresses[0]))


def _resolved(host: str, port: int) -> list[Address]:
    """Return the addresses of ``host``; a name server that is silent holds nobody up."""
    answers: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    # It cannot be told to stop; it must not keep the process from ending either.
    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=RESOLVE_TIMEOUT_S)
    except queue.Empty as exc:
        raise CallFailed("The name cannot be resolved in time.") from exc
    if isinstance(found, Exception):
        raise CallFailed("The name cannot be resolved.") from found
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _is_public(address: Address) -> bool:
    """Return whether ``address`` is out on the internet, also when wrapped into IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def _is_allowed_though_private(address: Address) -> bool:
    return any(
        address in ipaddress.ip_network(network)
        for network in settings.ENV.outbound_private_networks
    )


def _refuse_inside_a_transaction() -> None:
    if any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
        raise AssertionError("a call to another service inside a database transaction")


def in_words(exc: Exception) -> str:
    """Return what went wrong on the way, without anything that was sent."""
    if isinstance(exc, urllib3.exceptions.NewConnectionError):
        return "The connection failed."
    if isinstance(exc, urllib3.exceptions.ConnectTimeoutError):
        return "No connection in time."
    if isinstance(exc, urllib3.exceptions.TimeoutError | TimeoutError):
        return "No answer in time."
    if isinstance(exc, urllib3.exceptions.SSLError | ssl.SSLError):
        return "The certificate or the encryption is not acceptable."
    return "The connection failed."


def _retry_after_s(text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), RETRY_AFTER_S_MAX)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return max(0, min(int(moment.timestamp() - time.time()), RETRY_AFTER_S_MAX))
    except (ValueError, TypeError, OverflowError):
        return None


class _RetryBudget:
    """Counts, for each host and in this process, how many repetitions good calls have earned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._earned: dict[str, float] = defaultdict(lambda: RETRY_BUDGET_MAX)

    def take(self, host: str) -> bool:
        with self._lock:
            if self._earned[host] < 1:
                return False
            self._earned[host] -= 1
            return True

    def gain(self, host: str) -> None:
        with self._lock:
            self._earned[host] = min(RETRY_BUDGET_MAX, self._earned[host] + RETRY_BUDGET_GAIN)


_budget: Final = _RetryBudget()
