"""A free port for a server, and waiting until it serves; needs no Django."""

from __future__ import annotations

import collections
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

READY_TIMEOUT_S = 120


# Ports this process gave away and keeps for their servers, which may be down for a moment.
_RESERVED: Final[collections.deque[socket.socket]] = collections.deque()
RESERVED_MAX = 100


def free_port() -> int:
    """Return a port below the range outgoing connections take theirs from.

    It stays reserved for this process: while a server restarts, no other test is given its port.
    The reservation is the UDP port of the same number, which ends with the process whatever
    happens to it.
    """
    for port in range(20_000 + os.getpid() % 5_000, 32_000):
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                reservation.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                reservation.close()
                continue
        _RESERVED.append(reservation)
        if len(_RESERVED) > RESERVED_MAX:
            _RESERVED.popleft().close()
        return port
    raise AssertionError("no free port")


def await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the service says it is ready."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, _said(log)
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=3):
                return
        except OSError as exc:
            if isinstance(exc, urllib.error.HTTPError):
                exc.close()
            time.sleep(0.05)
    raise AssertionError(f"not ready: {_said(log)}")


def _said(log: Path) -> str:
    """Return the end of what a service said, without the requests it served."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return "\n".join([line for line in lines if '"event":"request"' not in line][-50:])
