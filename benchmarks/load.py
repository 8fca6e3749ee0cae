"""Sending prepared requests over kept-alive connections, as cheaply as Python can."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from benchmarks.serving import Served

Making = Callable[[int], bytes]
Place = tuple[str, int]
TIMEOUT_S = 60


class Wrong(Exception):
    """The service did not answer as it has to."""


def request(
    served: Served, method: str, path: str, body: bytes = b"", *, key: str = "", token: str = ""
) -> bytes:
    """Return the bytes of one request, of the member of staff unless ``token`` is another's."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {served.host}:{served.port}",
        f"Authorization: Bearer {token or served.token}",
        "Accept: application/json",
    ]
    if method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if key:
        lines.append(f"Idempotency-Key: {key}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def rate(served: Served, make: Making, *, clients: int, seconds: float, expect: int) -> float:
    """Return requests a second that ``clients`` connections get answered with ``expect``.

    ``make`` gets a number that no other request has.
    """
    place = (served.host, served.port)
    return rate_at(place, make, clients=clients, seconds=seconds, expect=expect)


def rate_at(place: Place, make: Making, *, clients: int, seconds: float, expect: int) -> float:
    """Do :func:`rate` wherever it is served."""
    started = time.monotonic()
    until = started + seconds
    done = _together(place, make, clients, expect, lambda _: time.monotonic() < until)
    return done / (time.monotonic() - started)


def many(served: Served, asked: bytes, *, clients: int, count: int, expect: int) -> None:
    """Send a request ``count`` times."""
    place = (served.host, served.port)
    _together(place, lambda _: asked, clients, expect, lambda number: number < count)


def answered(served: Served, asked: bytes, *, expect: int) -> bytes:
    """Return the body that one request is answered with."""
    return answered_at((served.host, served.port), asked, expect=(expect,))


def answered_at(place: Place, asked: bytes, *, expect: tuple[int, ...]) -> bytes:
    """Do :func:`answered` wherever it is served."""
    with socket.create_connection(place, TIMEOUT_S) as connection:
        connection.sendall(asked)
        return require(connection, *expect)


def _together(
    place: Place, make: Making, clients: int, expect: int, goes_on: Callable[[int], bool]
) -> int:
    counts = [0] * clients
    faults: list[BaseException] = []

    def run(client: int) -> None:
        try:
            with socket.create_connection(place, TIMEOUT_S) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                number = client
                while goes_on(number):
                    connection.sendall(make(number))
                    require(connection, expect)
                    counts[client] += 1
                    number += clients
        except BaseException as exc:  # noqa: BLE001 - told by the caller's thread
            faults.append(exc)

    threads = [threading.Thread(target=run, args=[client]) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return sum(counts)


def require(connection: socket.socket, *expect: int) -> bytes:
    """Read one answer; return its body.

    Raises:
        Wrong: a status that is none of ``expect``.
    """
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        chunk = connection.recv(65_536)
        if not chunk:
            raise Wrong("the connection was closed")
        received += chunk
    head, body = received[:end].lower(), received[end + 4 :]
    at = head.index(b"content-length:") + len(b"content-length:")
    length = int(head[at:].split(b"\r\n", 1)[0])
    parts, left = [body], length - len(body)
    while left > 0:
        chunk = connection.recv(min(left, 1 << 20))
        if not chunk:
            raise Wrong("the connection was closed")
        parts.append(chunk)
        left -= len(chunk)
    whole = b"".join(parts)
    if int(head.split(b" ", 2)[1]) not in expect:
        raise Wrong(f"{head.splitlines()[0]!r} {whole[:500]!r}")
    return whole
