"""Listen on ports, or knock at them: ``doors.py listen PORT...``, ``doors.py knock HOST PORT...``.

Prints ``ready`` once it listens, and the ports that opened.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import socket
import sys


def is_open(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
        return True
    return False


def main() -> None:
    what, *rest = sys.argv[1:]
    if what == "listen":
        listening = [socket.create_server(("0.0.0.0", int(port))) for port in rest]
        print("ready", flush=True)
        sys.stdin.read()
        for each in listening:
            each.close()
        return
    host, *ports = rest
    with concurrent.futures.ThreadPoolExecutor(len(ports)) as pool:
        found = pool.map(lambda port: is_open(host, int(port)), ports)
    print(*(port for port, opened in zip(ports, found, strict=True) if opened))


main()
