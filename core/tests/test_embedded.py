"""Local services: made once, crash-proof, never more than one sentence of trouble."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from core.embedded import binaries
from core.embedded.errors import EmbeddedServiceError
from core.embedded.postgres import APP_ROLE, OWNER_ROLE, SUPERUSER
from core.embedded.processes import is_alive
from tests.services import HOME_PREFIX, cluster_at, remove_abandoned, valkey_at


@pytest.fixture
def home(tmp_path: Path):
    """A folder the servers' own user can reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o011)
    yield tmp_path
    cluster_at(tmp_path).stop(mode="immediate")
    valkey_at(tmp_path).stop()


def test_cluster_keeps_its_data_over_a_stop_and_a_crash(home):
    cluster = cluster_at(home)
    cluster.start()
    with psycopg.connect(cluster.url(OWNER_ROLE)) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    cluster.stop()
    assert not cluster.is_running()
    cluster.start()
    cluster.kill()
    cluster.start()
    with psycopg.connect(cluster.url(OWNER_ROLE)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    cluster.start()
    assert cluster.is_running()


def test_cluster_lets_nobody_in_without_a_password(home):
    cluster = cluster_at(home)
    cluster.start()
    for role in (SUPERUSER, OWNER_ROLE, APP_ROLE):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgresql://{role}@/strongroom?host={cluster.socket_folder}")
    with psycopg.connect(cluster.url(APP_ROLE)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE x (n int)")
    assert (cluster.home / "passwords.json").stat().st_mode & 0o077 == 0


def test_long_path_gets_a_short_socket(home):
    deep = home / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    for folder in (deep, deep.parent):
        folder.chmod(0o711)
    cluster, valkey = cluster_at(deep), valkey_at(deep)
    try:
        cluster.start()
        valkey.start()
        psycopg.connect(cluster.url()).close()
        assert valkey.is_running()
    finally:
        cluster.stop(mode="immediate")
        valkey.stop()
    assert not (cluster.home / "socket-folder").exists()
    assert not (valkey.home / "socket-folder").exists()


def test_half_made_cluster_is_made_again(home):
    cluster = cluster_at(home)
    (cluster.home / "data.partial" / "base").mkdir(parents=True)
    cluster.start()
    assert cluster.is_running()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda data: (data / "PG_VERSION").write_text("9"), "was made by PostgreSQL 9"),
        (lambda data: (data / "PG_VERSION").unlink(), "is not a PostgreSQL data directory"),
        (lambda data: (data.parent / "passwords.json").write_text("{"), "missing or damaged"),
        (lambda data: (data / "global" / "pg_control").unlink(), "did not start"),
    ],
)
def test_broken_folder_is_told_in_one_sentence(home, harm, told):
    cluster = cluster_at(home)
    cluster.start()
    cluster.stop()
    harm(cluster.data)
    with pytest.raises(EmbeddedServiceError, match=told) as refused:
        cluster.start()
    assert "\n" not in str(refused.value)


def test_valkey_starts_stops_and_starts_again(home):
    valkey = valkey_at(home)
    valkey.start()
    first = valkey.pid()
    valkey.start()
    assert valkey.pid() == first
    valkey.stop()
    assert not valkey.is_running()
    valkey.start()
    assert valkey.pid() != first


def test_frozen_valkey_is_ended(home):
    valkey = valkey_at(home)
    valkey.start()
    pid = valkey.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    valkey.stop()
    assert not is_alive(pid)


def test_number_of_a_dead_server_that_another_program_has_now_is_no_server(home):
    """After a restart of the machine the noted process id may be anybody's."""
    cluster = cluster_at(home)
    cluster.start()
    note = cluster.data / "postmaster.pid"
    lines = note.read_text().splitlines()
    cluster.stop()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert not cluster.is_running()
    cluster.start()
    assert cluster.is_running()


def test_old_reason_is_not_told_again(home):
    cluster = cluster_at(home)
    cluster.start()
    cluster.stop()
    cluster.log_file.write_text("x: FATAL:  an old story\n")
    (cluster.data / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedServiceError) as refused:
        cluster.start()
    assert "an old story" not in str(refused.value)


def test_what_a_killed_run_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o711)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    homes = {}
    for name, pid in (("left", ended.pid), ("used", os.getpid())):
        homes[name] = tmp_path / f"{HOME_PREFIX}{name}"
        homes[name].mkdir()
        (homes[name] / "owner.pid").write_text(str(pid))
    remove_abandoned()
    assert {name: home.exists() for name, home in homes.items()} == {"left": False, "used": True}


def test_data_stays_where_it_is_when_folders_open_or_close(tmp_path, monkeypatch):
    monkeypatch.setattr(binaries, "SHARED_HOME", tmp_path / "shared")
    nobody, closed = binaries.Identity(65534, 65534), tmp_path / "closed"
    inside = closed / "var" / "postgres"
    inside.parent.mkdir(parents=True)
    monkeypatch.setattr(binaries, "is_traversable", lambda _folder: False)
    outside = binaries.service_home(inside, nobody)
    outside.mkdir(parents=True)
    monkeypatch.setattr(binaries, "is_traversable", lambda _folder: True)
    assert binaries.service_home(inside, nobody) == outside
    outside.rmdir()
    inside.mkdir()
    assert binaries.service_home(inside, nobody) == inside
    monkeypatch.setattr(binaries, "is_traversable", lambda _folder: False)
    with pytest.raises(EmbeddedServiceError, match="chmod"):
        binaries.service_home(inside, nobody)


def test_closed_folder_moves_the_services_out(tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    (closed / "var").mkdir(parents=True)
    closed.chmod(0o700)
    nobody = binaries.Identity(65534, 65534)
    assert not binaries.is_traversable(closed / "var")
    outside = binaries.service_home(closed / "var" / "postgres", nobody)
    assert outside.parent == binaries.SHARED_HOME
    assert binaries.service_home(closed / "var" / "postgres", None).parent == closed / "var"


def test_configured_programs_come_first(tmp_path):
    with pytest.raises(EmbeddedServiceError, match="PG_BIN_DIR"):
        binaries.postgres_programs(str(tmp_path), None)
    (tmp_path / "initdb").touch()
    assert binaries.postgres_programs(str(tmp_path), None) == tmp_path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_ordinary_user_runs_them_as_themselves(home):
    """The same code without root: the server belongs to whoever starts it."""
    python = Path(sys.executable).resolve()
    if not (binaries.is_traversable(python.parent) and binaries.is_traversable(Path(sys.prefix))):
        pytest.skip("Python is installed where others may not go")
    mine = home / "mine"
    mine.mkdir()
    os.chown(mine, 65534, 65534)
    code = (
        "import pathlib, sys; from tests.services import cluster_at; "
        "c = cluster_at(pathlib.Path(sys.argv[1])); c.start(); print(c.is_running()); c.stop()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(mine)],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd=Path(__file__).parents[2],
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "True", done.stderr
