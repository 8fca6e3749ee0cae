"""A weak cluster is told so, the shipped one is not; the database says what shape it is in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

from core.cluster import security, shape
from core.embedded.postgres import (
    APP_ROLE,
    BACKUP_ROLE,
    DATABASE,
    DURABLE,
    OWNER_ROLE,
    READONLY_ROLE,
    SUPERUSER,
    PostgresCluster,
)
from core.privacy import data_map
from tests import services
from tests.database import url_of
from tests.ready import free_port

PRODUCTION = {
    "ENVIRONMENT": "production",
    "PUBLIC_URL": "https://strongroom.example",
    "ALLOWED_HOSTS": "strongroom.example",
    "TRUSTED_PROXY_COUNT": "1",
    "MAIL_TRANSPORT": "smtp",
    "SMTP_URL": "smtp://mail.strongroom.example",
    "SECRET_KEY": "made-up-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFG",
}
SMALL = {**DURABLE, "shared_buffers": "16MB", "max_connections": "20"}


def cluster_at(home: Path, **settings: str) -> PostgresCluster:
    like = services.cluster_at(home)
    home.chmod(0o711)
    return PostgresCluster(
        home=home / "pg",
        programs=like.programs,
        identity=like.identity,
        settings={**SMALL, **settings},
    )


@pytest.fixture
def weak(services_folder: Path, monkeypatch):
    """A cluster as careless people keep it."""
    port = str(free_port())
    monkeypatch.setenv("PGPORT", port)  # for libpq
    cluster = cluster_at(
        services_folder,
        listen_addresses="0.0.0.0",
        port=port,
        password_encryption="md5",
        log_statement="all",
        synchronous_commit="off",
        shared_preload_libraries="pg_stat_statements",
    )
    cluster._create_once()
    assert cluster._run("pg_checksums", "--disable", "-D", str(cluster.data)).returncode == 0
    with (cluster.data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 10.0.0.0/8 trust\nhost all all 192.0.2.0/24 password\n")
    cluster.start()
    yield cluster
    cluster.stop(mode="immediate")


@pytest.fixture
def services_folder(tmp_path_factory) -> Path:
    """A folder that the server's own user can reach."""
    folder = tmp_path_factory.mktemp("cluster")
    for parent in (folder, *folder.parents):
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o711)
    return folder


def test_weak_cluster_is_told_so(weak: PostgresCluster):
    with psycopg.connect(weak.url(SUPERUSER, DATABASE), autocommit=True) as mighty:
        for statement in (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            f"ALTER ROLE {APP_ROLE} SUPERUSER",
            "CREATE ROLE helper LOGIN SUPERUSER",
            "CREATE TABLE audit_event (id uuid)",
            f"GRANT ALL ON audit_event TO {APP_ROLE}",
            "CREATE TABLE users (id uuid, password text)",
            "GRANT SELECT ON users TO PUBLIC",
            "CREATE FUNCTION mighty() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            f"ALTER ROLE {OWNER_ROLE} SUPERUSER",
            "CREATE TABLE month (id int) PARTITION BY RANGE (id)",
            "CREATE TABLE month_1 PARTITION OF month FOR VALUES FROM (1) TO (2)",
            f"ALTER TABLE month_1 OWNER TO {APP_ROLE}",
            "CREATE EXTENSION dblink",
        ):
            mighty.execute(statement)
        found, skipped = security.findings(mighty, app_role=APP_ROLE, owner_role=OWNER_ROLE)
        assert skipped == []
        alone, _ = security.findings(mighty, app_role=APP_ROLE, owner_role=APP_ROLE)
    checks = {finding.check for finding in [*found, *alone]}
    every = (*security.SERVER, *security.ROLES, *security.RIGHTS, *security.LOGINS)
    assert checks == {check.name for check in every}


def test_slow_statements_are_named(weak: PostgresCluster):
    with psycopg.connect(weak.url(SUPERUSER, DATABASE), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("SELECT pg_sleep(0.2)")
        lines = shape._lines(connection.cursor(), shape.SLOW)
    assert any(
        re.fullmatch(r"\d+\.\d ms on average, 1 calls: SELECT pg_sleep\(\$1\)", line)
        for line in lines
    )


def test_shipped_cluster_has_no_findings(services_folder: Path):
    cluster, valkey = cluster_at(services_folder), services.valkey_at(services_folder)
    cluster.start()
    valkey.start()
    try:
        valkey._client().config_set("maxmemory-policy", "noeviction")
        note = services_folder / "superuser"
        note.write_text(cluster.url(SUPERUSER, DATABASE))
        environment = {
            **os.environ,
            "DATABASE_URL": cluster.url(),
            "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE),
            "REDIS_URL": valkey.url,
        }

        def manage(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "manage.py", *arguments],
                env={**environment, **changes},
                cwd=services.ROOT,
                check=False,
                capture_output=True,
                text=True,
            )

        assert manage("migrate", "-v", "0").returncode == 0
        done = manage("db_security", "--json", f"--url-file={note}")
        assert json.loads(done.stdout) == {"findings": [], "skipped": []}, done.stdout
        assert done.returncode == 0
        done = manage("security_audit", "--json", f"--url-file={note}", **PRODUCTION)
        rows = {row["area"]: row["state"] for row in json.loads(done.stdout)}
        assert set(rows.values()) == {"passed", "not looked at", "self-assessed"}, done.stdout
        assert (rows["settings"], rows["database"], done.returncode) == ("passed", "passed", 0)
        assert rows["log-ins to the database"] == "passed"
        with psycopg.connect(cluster.url(SUPERUSER, DATABASE), autocommit=True) as mighty:
            mighty.execute(f"GRANT UPDATE ON audit_event TO {APP_ROLE}")
        assert manage("db_security").returncode == 1
    finally:
        valkey.stop()
        cluster.stop(mode="immediate")


def test_shipped_configuration_is_one_that_postgresql_takes(tmp_path: Path):
    running = services.cluster_at(Path(os.environ[services.HOME_VARIABLE]))
    shipped = (services.ROOT / "deploy" / "postgresql" / "strongroom.conf").read_text()
    # The PostgreSQL that comes as a wheel was built without TLS.
    shipped = shipped.replace("ssl = on", "ssl = off")

    def read(text: str) -> subprocess.CompletedProcess[str]:
        file = running.home / f"{tmp_path.name}.conf"
        file.write_text(text)
        file.chmod(0o644)
        try:
            arguments = ("-D", str(running.data), f"--config-file={file}", "-C", "archive_timeout")
            return running._run("postgres", *arguments)
        finally:
            file.unlink()

    assert (read(shipped).returncode, read(shipped).stdout.strip()) == (0, "60")
    assert read(shipped + "such_a_setting = on\n").returncode != 0


def refused(url: str, statement: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
        return False


def test_roles_may_do_what_they_are_for_and_no_more(committed_db: str, tmp_path: Path):
    cluster = services.cluster_at(Path(os.environ[services.HOME_VARIABLE]))
    looking = cluster.url(READONLY_ROLE, committed_db)
    assert not refused(looking, "SELECT email, name FROM users")
    assert not refused(looking, "SELECT amount FROM entry")
    for statement in (
        "SELECT password FROM users",
        "SELECT token_sha256 FROM session",
        "UPDATE users SET name = 'x'",
        "INSERT INTO asset (code) VALUES ('X')",
        "DELETE FROM session",
        "CREATE TABLE mine (id int)",
    ):
        assert refused(looking, statement), statement
    saving = cluster.url(BACKUP_ROLE, committed_db)
    assert not refused(saving, "SELECT password FROM users")
    for statement in ("UPDATE users SET name = 'x'", "DELETE FROM entry", "DROP TABLE users"):
        assert refused(saving, statement), statement
    done = subprocess.run(
        [cluster.programs / "pg_dump", f"--file={tmp_path / 'dump'}", saving], check=False
    )
    assert done.returncode == 0
    serving = url_of("app", committed_db)
    for statement in (
        "DROP TABLE users",
        'UPDATE "entry" SET amount = 1',
        "DELETE FROM audit_change",
        "TRUNCATE session",
        "CREATE TABLE mine (id int)",
    ):
        assert refused(serving, statement), statement


def test_no_secret_column_is_open_to_the_reader(connect, db):
    with_rights = connect("owner").execute(
        "SELECT table_name, column_name FROM information_schema.column_privileges "
        "WHERE grantee = %s",
        [READONLY_ROLE],
    )
    open_to_reader = {f"{table}.{column}" for table, column in with_rights.fetchall()}
    assert "users.email" in open_to_reader
    for name, table in data_map.tables().items():
        assert not open_to_reader & {f"{name}.{column}" for column in table.columns("secret")}


@pytest.mark.django_db(databases=["default", "owner"])
def test_report_names_what_is_out_of_shape(committed_db: str, connect, capsys, monkeypatch):
    monkeypatch.setattr(shape, "REPORTED_MAX", 1_000)
    owner = connect("owner")
    for statement in (
        "CREATE INDEX session_kind_one ON session (kind, epoch)",
        "CREATE INDEX session_kind_two ON session (kind, epoch)",
        # Nobody tidies up before it is looked at.
        "CREATE TABLE heap WITH (autovacuum_enabled = off) "
        "AS SELECT n FROM generate_series(1, 20000) n",
        "CREATE TABLE child (n int, user_id uuid CONSTRAINT child_user REFERENCES users)",
        "INSERT INTO child SELECT generate_series(1, 10001)",
        "ANALYZE child",
        *["SELECT count(*) FROM heap"] * 101,
        "DELETE FROM heap WHERE n > 9000",
        "SELECT pg_stat_force_next_flush()",
    ):
        owner.execute(statement)
    owner.execute("SELECT 1")
    found = shape.report()
    assert any("session_kind_one, session_kind_two" in line for line in found["duplicate indexes"])
    assert any(line.startswith("session_kind_one on session") for line in found["unused indexes"])
    assert any(line.startswith("heap: 11000 of 20000") for line in found["bloat"])
    missing = found["missing indexes"]
    assert "child_user of child: a deletion in users reads the whole table" in missing
    assert any(re.fullmatch(r"heap: read whole 10[1-9] times, \d+ rows each", m) for m in missing)
    assert found["slow statements"] == [shape.NO_STATEMENTS]
    call_command("db_report")
    assert "duplicate indexes: 1" in capsys.readouterr().out
