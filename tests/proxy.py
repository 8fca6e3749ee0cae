"""The shipped nginx configuration in front of served instances, on a port of its own."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from tests.certificates import Authority
from tests.http import Client
from tests.ready import free_port
from tests.serving import ROOT, Service

SHIPPED = ROOT / "deploy" / "nginx"
NAME = "strongroom.test"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


class Proxy:
    """A running nginx; ``https`` and ``http`` are its ports."""

    def __init__(self, home: Path, upstreams: list[str]) -> None:
        self.home = home
        self.http = free_port()
        self.https = free_port()
        authority = Authority(home)
        self.trust = authority.path
        self.certificate, self.key = authority.issue(NAME)
        _render(home, self._values(upstreams))
        self.process = subprocess.Popen([str(NGINX), "-p", str(home), "-c", "nginx.conf"])
        self._await()

    def connect(self, port: int | None = None) -> socket.socket:
        """Open a connection, through TLS unless it is to the http port."""
        plain = socket.create_connection(("127.0.0.1", port or self.https), timeout=20)
        if port == self.http:
            return plain
        context = ssl.create_default_context(cafile=str(self.trust))
        return context.wrap_socket(plain, server_hostname=NAME)

    def client(self, token: str = "") -> Client:
        """Return a client that comes through it."""
        return _Through(self, token)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(10)

    def _values(self, upstreams: list[str]) -> dict[str, str]:
        return {
            "UPSTREAM_1": upstreams[0],
            "UPSTREAM_2": upstreams[-1],
            "HTTP_PORT": str(self.http),
            "HTTPS_PORT": str(self.https),
            "SERVER_NAME": NAME,
            "CONFIG_FOLDER": str(self.home),
            "CACHE_FOLDER": str(self.home / "cache"),
            "CERTIFICATE": str(self.certificate),
            "CERTIFICATE_KEY": str(self.key),
        }

    def _await(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.home / "logs" / "error.log").read_text()
            try:
                self.connect(self.http).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("nginx does not listen")


class _Through(Client):
    def __init__(self, proxy: Proxy, token: str) -> None:
        super().__init__(f"https://{NAME}", token)
        self.proxy = proxy

    @override
    def _opened(self) -> http.client.HTTPConnection:
        connection = super()._opened()
        connection.sock = self.proxy.connect()
        connection.auto_open = 0
        return connection


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Put nginx before services: ``proxied(service, ...)``."""
    if NGINX is None:
        pytest.skip("nginx is not installed; .ci/run installs it")
    started: list[Proxy] = []

    def start(*services: Service) -> Proxy:
        home = tmp_path / f"nginx-{len(started)}"
        home.mkdir()
        started.append(Proxy(home, [service.url.partition("//")[2] for service in services]))
        return started[-1]

    yield start
    for proxy in started:
        proxy.stop()


def _render(home: Path, values: dict[str, str]) -> None:
    for shipped in SHIPPED.iterdir():
        text = re.sub(
            r"\$\{([A-Z_0-9]+)\}", lambda match: values[match[1]], shipped.read_text("utf-8")
        )
        (home / shipped.name.removesuffix(".template")).write_text(text, encoding="utf-8")
    user = "user root;\n" if os.geteuid() == 0 else ""
    (home / "logs").mkdir()
    (home / "nginx.conf").write_text(
        f"{user}daemon off;\nmaster_process on;\nworker_processes 1;\npid nginx.pid;\n"
        "error_log logs/error.log;\nevents { worker_connections 2048; }\n"
        "http {\n access_log off;\n"
        + "".join(
            f" {kind}_temp_path {kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + " include strongroom.conf;\n}\n",
        encoding="utf-8",
    )
