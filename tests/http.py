"""A small JSON client for a served instance: keep-alive, no retries, nothing hidden."""

from __future__ import annotations

import http.client
import json
import urllib.parse
import uuid
from typing import Any

from tests.people import PASSWORD

STAFF_PASSWORD = "what staff chose for themselves"


class Client:
    """One connection; ``call`` answers ``(status, headers, body)``."""

    def __init__(self, url: str, token: str = "", *, timeout: float = 30) -> None:
        self.address = urllib.parse.urlsplit(url).netloc
        self.token = token
        self.timeout = timeout
        self._connection: http.client.HTTPConnection | None = None

    def __del__(self) -> None:
        self.close()

    def call(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Send one request; ``body`` is JSON unless it is bytes."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None:
            given.setdefault("Content-Type", "application/json")
        if self._connection is None:
            self._connection = self._opened()
        try:
            self._connection.request(method, path, content, given)
            answer = self._connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            # An answer may set several cookies.
            found[name.lower()] = ", ".join(filter(None, [found.get(name.lower(), ""), value]))
        if found.get("connection") == "close":
            self.close()
        is_json = "json" in found.get("content-type", "")
        return answer.status, found, json.loads(raw) if is_json and raw else raw

    def post_transaction(self, body: dict[str, Any], key: str | None = None) -> tuple[int, Any]:
        """Post to the ledger with a key."""
        status, _, answer = self.call(
            "POST",
            "/api/v1/transactions/",
            body,
            Idempotency_Key=key or str(uuid.uuid4()),
        )
        return status, answer

    def _opened(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address, timeout=self.timeout)

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def logged_in(url: str, email: str, password: str = PASSWORD) -> Client:
    """Log in and return a client with the token."""
    status, _, answer = Client(url).call(
        "POST", "/api/v1/auth/login/", {"email": email, "password": password}
    )
    assert status == 200, answer
    return Client(url, answer["token"])


def registered(service, email: str) -> Client:
    """Make a person with a verified address and log in."""
    service.command(
        "shell", "-v", "0", "-c", f"from tests.people import make_person; make_person({email!r})"
    )
    return logged_in(service.url, email)


def staff(service, email: str = "") -> Client:
    """Create a member of staff, log in as them and choose ``STAFF_PASSWORD``."""
    email = email or f"{uuid.uuid4().hex[:8]}@staff.example"
    made = service.command("staff_create", "--email", email, "--role", "admin")
    first = made.stdout.rsplit("): ", 1)[1].strip()
    client = logged_in(service.url, email, first)
    choice = {"old_password": first, "password": STAFF_PASSWORD}
    assert client.call("POST", "/api/v1/auth/password/change/", choice)[0] == 204
    return client


def posting(source: str, destination: str, amount: Any, asset: str = "USD") -> dict[str, Any]:
    """Return the body of a transaction with one posting."""
    return {
        "postings": [
            {"source": source, "destination": destination, "amount": amount, "asset": asset}
        ]
    }


def opened(client: Client, code: str, asset: str = "USD") -> str:
    """Open a ledger account and return its id."""
    status, _, answer = client.call(
        "POST", "/api/v1/ledger-accounts/", {"code": code, "asset": asset}
    )
    assert status == 201, answer
    return str(answer["id"])
