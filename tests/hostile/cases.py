"""The catalogue as requests: how a line of ``requests.yaml`` becomes bytes."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import yaml

CATALOGUE = yaml.safe_load((Path(__file__).parent / "requests.yaml").read_text(encoding="utf-8"))
# Lines that are one request; the others name the test that needs more than one.
REQUESTS = [line for line in CATALOGUE if "status" in line]
TRANSACTIONS = "/api/v1/transactions/"


@dataclasses.dataclass(frozen=True)
class Request:
    """One request, ready to be sent by a test client or through a socket."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def on_the_wire(self, host: str) -> bytes:
        """Return the request as HTTP/1.1."""
        head = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        head += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method in ("POST", "PATCH", "PUT"):
            head.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + self.body


def request_of(line: dict[str, Any], world: dict[str, str]) -> Request:
    """Return the request that ``line`` describes in ``world``."""
    method = line.get("method", "POST")
    headers = {name: _filled(str(value), world) for name, value in line.get("headers", {}).items()}
    for _ in range(line.get("header_count", 0)):
        headers[f"X-Extra-{len(headers)}"] = "x"
    who = line.get("as", "ada")
    if who != "nobody":
        headers.setdefault("Authorization", f"Bearer {world.get(who, who)}")
    path = _filled(line.get("path", TRANSACTIONS), world) + line.get("path_length", 0) * "x"
    if method in ("POST", "PATCH", "PUT"):
        content_type = line.get("content_type", "application/json")
        if content_type:
            headers.setdefault("Content-Type", content_type)
    if path == TRANSACTIONS and method == "POST":
        of_this_line = line.get("id", "good") + "k" * line.get("key_length", 0)
        key = line.get("key", of_this_line)
        if key is not None:
            headers.setdefault("Idempotency-Key", key)
    body = _body(line, world) if method != "GET" or "raw" in line else b""
    return Request(method, path, list(headers.items()), body)


def _filled(text: str, world: dict[str, str]) -> str:
    long = {"eight kilobytes": "x" * 8_000, "nine kilobytes": "x" * 9_000}
    for name, value in (world | long).items():
        text = text.replace(f"<{name}>", value)
    return text


def _body(line: dict[str, Any], world: dict[str, str]) -> bytes:
    if "hex" in line:
        return bytes.fromhex(line["hex"])
    if "raw" in line:
        return _filled(line["raw"], world).encode()
    if "repeat" in line:
        start, part, count, end = line["repeat"]
        if start == "{amount:":
            return transaction(line, world, part * count)
        return (start + part * count + end.replace("{closing}", "]" * count)).encode()
    return transaction(line, world, line.get("amount", "1"))


def transaction(line: dict[str, Any], world: dict[str, str], amount: str) -> bytes:
    """Return a body that is good but for what ``line`` says."""
    source, destination = (
        world[line.get("source", "purse")],
        world[line.get("destination", "target")],
    )
    if line.get("asset") == "XXX":
        source, destination = "savings", "target"
    members = [
        f'"postings":[{{"source":"{source}","destination":"{destination}",'
        f'"amount":{amount},"asset":"{line.get("asset", "USD")}"}}]'
    ]
    if "effective_at" in line:
        members.append(f'"effective_at":"{line["effective_at"]}"')
    if "description" in line:
        members.append(f'"description":{line["description"]}')
    if "description_length" in line:
        members.append(f'"description":"{"x" * line["description_length"]}"')
    if "metadata_keys" in line:
        keys = {f"k{number}": "v" for number in range(line["metadata_keys"])}
        members.append(f'"metadata":{json.dumps(keys)}')
    return ("{" + ",".join(members) + "}").encode()
