"""A free port for a server, and waiting until it serves; needs no Django."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_TIMEOUT_S = 120


def free_port() -> int:
    """Return a port below the range outgoing connections take theirs from."""
    for port in range(20_000 + os.getpid() % 5_000, 32_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def await_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the service says it is ready."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=3):
                return
        except OSError as exc:
            if isinstance(exc, urllib.error.HTTPError):
                exc.close()
            time.sleep(0.05)
    raise AssertionError(f"not ready: {log.read_text()}")
