"""TLS on the way to the database, as a ``DATABASE_URL`` with ``verify-full`` asks for it.

The PostgreSQL that comes with the tests is built without TLS: something before it ends TLS.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.env_values import database_settings
from tests.database import TEMPLATE
from tests.proxy import NAME, certificate

SSL_REQUEST_BYTES = 8
NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


@contextlib.contextmanager
def _ending_tls(folder: Path | None) -> Iterator[int]:
    """Listen as a server with the certificate in ``folder``, or with none; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=_serve, args=(listener.accept()[0], folder)).start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve(plain: socket.socket, folder: Path | None) -> None:
    with plain, contextlib.suppress(OSError):
        plain.recv(SSL_REQUEST_BYTES, socket.MSG_WAITALL)
        plain.sendall(b"S" if folder else b"N")
        if folder is None:
            return
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        behind = database_settings(os.environ["DATABASE_URL"])
        with (
            context.wrap_socket(plain, server_side=True) as client,
            socket.socket(socket.AF_UNIX) as server,
        ):
            server.connect(f"{behind['HOST']}/.s.PGSQL.{behind['PORT'] or 5432}")
            _carry(client, server)


def _carry(client: ssl.SSLSocket, server: socket.socket) -> None:
    """Pass bytes both ways until one side ends."""
    while True:
        ready = [client] if client.pending() else select.select([client, server], [], [])[0]
        for source in ready:
            content = source.recv(65_536)
            if not content:
                return
            (server if source is client else client).sendall(content)


def _connect(port: int, root: Path) -> bool:
    """Connect as the settings would; return whether the connection is encrypted."""
    parts = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    user = parts.netloc.partition("@")[0]
    found = database_settings(
        f"postgresql://{user}@{NAME}:{port}/{TEMPLATE}"
        f"?sslmode=verify-full&sslrootcert={root}&hostaddr=127.0.0.1"
    )
    facts = {name: found[key] for name, key in NAMES.items()}
    with psycopg.connect(**facts, **found["OPTIONS"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        return bool(connection.pgconn.ssl_in_use)


def test_only_the_right_certificate_is_taken_for_the_database(tmp_path: Path):
    roots = []
    for name in ("ours", "others"):
        (tmp_path / name).mkdir()
        roots.append(certificate(tmp_path / name))
    with _ending_tls(tmp_path / "ours") as port:
        assert _connect(port, roots[0])
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            _connect(port, roots[1])
    with (
        _ending_tls(None) as port,
        pytest.raises(psycopg.OperationalError, match="does not support SSL"),
    ):
        _connect(port, roots[0])
