"""Posting over connections kept alive through nginx: prints how often what was answered.

Run as ``python -m benchmarks.crowd_clients CLIENTS SECONDS`` with what it needs on standard input.
"""

from __future__ import annotations

import asyncio
import collections
import json
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from tests.proxy import NAME, Proxy  # noqa: E402 - Django must be set up first

# nginx lets so many connections of one address be: the clients come from several.
ADDRESSES, PAUSE_S = 10, 10.0


def main(clients: int, seconds: float) -> None:
    """Post for so long."""
    facts = json.load(sys.stdin)
    with tempfile.TemporaryDirectory(prefix="strongroom-nginx-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        proxy = Proxy(home, [facts["service"]])
        try:
            seen = asyncio.run(_asked_by_all(facts, proxy, clients, seconds))
        finally:
            proxy.stop()
    json.dump(seen, sys.stdout)


async def _asked_by_all(
    facts: dict[str, Any], proxy: Proxy, clients: int, seconds: float
) -> collections.Counter[str]:
    seen: collections.Counter[str] = collections.Counter()
    until = time.monotonic() + seconds
    trust = ssl.create_default_context(cafile=str(proxy.trust))

    async def client(number: int) -> None:
        await asyncio.sleep(PAUSE_S * number / clients)
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1",
                proxy.https,
                ssl=trust,
                server_hostname=NAME,
                local_addr=(f"127.0.0.{2 + number % ADDRESSES}", 0),
            )
            turn = 0
            while time.monotonic() < until:
                turn += 1
                writer.write(_request(facts, f"crowd-{number}-{turn}"))
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = answer.split(b"content-length:")[1].split(b"\r\n", 1)[0]
                await reader.readexactly(int(length))
                seen[answer.split(b" ", 2)[1].decode()] += 1
                await asyncio.sleep(PAUSE_S)
            writer.close()
        except (OSError, EOFError) as exc:
            seen[type(exc).__name__] += 1

    await asyncio.gather(*(client(number) for number in range(clients)))
    return seen


def _request(facts: dict[str, Any], key: str) -> bytes:
    destination, source = facts["accounts"]
    posting = {"source": source, "destination": destination, "amount": 1, "asset": "USD"}
    body = json.dumps({"ledger": "generated", "postings": [posting]})
    head = (
        f"POST /api/v1/transactions/ HTTP/1.1\r\nHost: {NAME}\r\n"
        f"Authorization: Bearer {facts['token']}\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body.encode()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
