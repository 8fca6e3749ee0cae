"""Servers of somebody else, on loopback: what a webhook or an outbound call meets."""

from __future__ import annotations

import dataclasses
import http.server
import threading

import pytest
from django.conf import settings
from typing_extensions import override


class _Server(http.server.ThreadingHTTPServer):
    """Says nothing of callers who leave before they have their answer: tests make them."""

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Peer:
    """A real server on loopback; ``answers`` says what comes next, by path."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                given = {name.lower(): value for name, value in self.headers.items()}
                peer.seen.append((self.command, self.path, given, body))
                status, headers, content = peer.answers.get(self.path, (200, {}, b"ok"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer  # noqa: N815 - the names http.server calls

            def log_message(self, *args: object) -> None:  # type: ignore[explicit-override]  # quiet
                pass

        self.server = _Server((address, port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://{address}:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def peer():
    """A server that may be called though it is private."""
    made = Peer()
    yield made
    made.close()


@pytest.fixture
def loopback_allowed(monkeypatch):
    """Let calls reach the servers of these tests."""
    allowed = dataclasses.replace(settings.ENV, outbound_private_networks=["127.0.0.0/8"])
    monkeypatch.setattr(settings, "ENV", allowed)
