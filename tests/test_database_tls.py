"""TLS on the way to the database, against a PostgreSQL that lets nobody in without it."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db.utils import ConnectionHandler

from config.settings import _database
from core import health
from core.backups import servers
from core.backups.faults import BackupFault
from core.cluster import security
from core.embedded import binaries
from core.embedded.postgres import (
    APP_ROLE,
    DURABLE,
    OWNER_ROLE,
    SUPERUSER,
    PostgresCluster,
)
from tests.certificates import Authority
from tests.ready import free_port
from tests.services import ROOT

# The PostgreSQL that comes with the tests is built without TLS, Debian's is not.
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
NAME = "database.test"
SHIPPED = ROOT / "deploy" / "postgresql" / "pg_hba.conf"
# Before those that are shipped: for the test itself, and one that wants a certificate.
RULES = f"""
local all all scram-sha-256
hostssl postgres {APP_ROLE} samenet cert
"""
pytestmark = [
    pytest.mark.skipif(not PROGRAMS, reason="no PostgreSQL with TLS; .ci/run installs one"),
    pytest.mark.xdist_group("tls"),
]


@dataclasses.dataclass(frozen=True)
class Server:
    """A server with a certificate for ``NAME``, and who may have signed certificates."""

    cluster: PostgresCluster
    port: int
    trusted: Authority
    stranger: Authority

    def url(self, *, host: str = NAME, database: str = "strongroom", **query: str) -> str:
        """Return the address as an operator writes it into ``DATABASE_URL``."""
        user = urllib.parse.urlsplit(self.cluster.url()).netloc.rpartition("@")[0]
        asked = {
            "sslmode": "verify-full",
            "sslrootcert": str(self.trusted.path),
            # Nobody has to find a made-up name.
            "hostaddr": "127.0.0.1",
            **query,
        }
        return f"postgresql://{user}@{host}:{self.port}/{database}?{urllib.parse.urlencode(asked)}"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid():
            parent.chmod(parent.stat().st_mode | 0o011)
    authorities = []
    for name in ("trusted", "stranger"):
        (folder / name).mkdir()
        authorities.append(Authority(folder / name))
    certificate, key = authorities[0].issue(NAME)
    port = free_port()
    cluster = PostgresCluster(
        home=folder / "pg",
        programs=PROGRAMS[-1].parent,
        identity=binaries.service_identity(),
        settings={
            **DURABLE,
            "shared_buffers": "16MB",
            "max_connections": "20",
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "ssl": "on",
            "ssl_cert_file": "server.crt",
            "ssl_key_file": "server.key",
            "ssl_ca_file": "authority.crt",
        },
    )
    cluster._create_once()
    for name, source in {
        "server.crt": certificate,
        "server.key": key,
        "authority.crt": authorities[0].path,
    }.items():
        file = cluster.data / name
        file.touch(mode=0o600)
        file.write_bytes(source.read_bytes())
        cluster._own(file)
    (cluster.data / "pg_hba.conf").write_text(RULES + SHIPPED.read_text())
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGPORT", str(port))  # the name of the socket has it
            cluster.start()
        yield Server(cluster, port, *authorities)
    finally:
        cluster.stop(mode="immediate")


def _as_the_application(url: str) -> tuple[bool, str]:
    """Connect with our own settings; return whether it is encrypted, and as whom."""
    connections = ConnectionHandler({"default": _database(url, role="app", options={})})
    wrapper = connections["default"]
    with wrapper.get_new_connection(wrapper.get_connection_params()) as connection:
        asked = "SELECT ssl, current_user FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        return connection.execute(asked).fetchone()


def test_application_is_encrypted_and_takes_the_right_certificate_alone(server: Server):
    assert _as_the_application(server.url()) == (True, APP_ROLE)
    for told, url in {
        "certificate verify failed": server.url(sslrootcert=str(server.stranger.path)),
        "does not match host name": server.url(host="elsewhere.test"),
    }.items():
        with pytest.raises(psycopg.OperationalError, match=told):
            _as_the_application(url)


def test_nobody_is_let_in_without_tls_or_without_a_password(server: Server):
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        _as_the_application(server.url(sslmode="disable"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(), password="wrong")
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(server.url(), password="")


def test_shipped_rules_leave_nothing_open(server: Server):
    with psycopg.connect(server.cluster.url(SUPERUSER), port=server.port) as superuser:
        found, skipped = security.findings(superuser, app_role=APP_ROLE, owner_role=OWNER_ROLE)
    assert (found, skipped) == ([], [])


def test_server_may_want_a_certificate_of_the_application(server: Server):
    def asked(authority: Authority) -> str:
        certificate, key = authority.issue(APP_ROLE)
        return server.url(database="postgres", sslcert=str(certificate), sslkey=str(key))

    assert _as_the_application(asked(server.trusted)) == (True, APP_ROLE)
    for url in (server.url(database="postgres"), asked(server.stranger)):
        with pytest.raises(psycopg.OperationalError, match=r"certificate|unknown ca"):
            _as_the_application(url)


def test_readiness_looks_through_the_same_door(server: Server, monkeypatch):
    def connect(url: str) -> bool:
        found = ConnectionHandler({"default": _database(url, role="app", options={})})
        monkeypatch.setattr(health, "connections", found)

        async def look() -> bool:
            async with await health._connect() as connection:
                return bool(connection.pgconn.ssl_in_use)

        return asyncio.run(look())

    certificate, key = server.trusted.issue(APP_ROLE)
    assert connect(server.url())
    assert connect(server.url(database="postgres", sslcert=str(certificate), sslkey=str(key)))
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(server.url(sslrootcert=str(server.stranger.path)))


def test_backups_go_through_the_same_door(server: Server, monkeypatch):
    programs = dataclasses.replace(settings.ENV, pg_bin_dir=str(PROGRAMS[-1].parent))
    monkeypatch.setattr(settings, "ENV", programs)
    certificate, key = server.trusted.issue(APP_ROLE)
    url = server.url(database="postgres", sslcert=str(certificate), sslkey=str(key))
    assert "PostgreSQL database dump complete" in servers.run("pg_dump", url=url)
    with pytest.raises(BackupFault, match="certificate verify failed"):
        servers.run("pg_dump", url=server.url(sslrootcert=str(server.stranger.path)))
