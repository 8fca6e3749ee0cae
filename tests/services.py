"""The run's throw-away PostgreSQL and Valkey, and the environment that names them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.embedded import binaries
from core.embedded.postgres import BACKUP_ROLE, OWNER_ROLE, SUPERUSER, THROW_AWAY, PostgresCluster
from core.embedded.processes import is_alive
from core.embedded.valkey import ValkeyServer

ROOT = Path(__file__).parent.parent
HOME_VARIABLE = "STRONGROOM_TEST_HOME"
HOME_PREFIX = "strongroom-test-"
VALKEY_DATABASES = 128


def cluster_at(home: Path, settings: Mapping[str, str] = THROW_AWAY) -> PostgresCluster:
    """Return a PostgreSQL under ``home``, started or not."""
    identity = binaries.service_identity()
    return PostgresCluster(
        home=home / "pg",
        programs=binaries.postgres_programs(os.environ.get("PG_BIN_DIR"), identity),
        identity=identity,
        settings=settings,
    )


def valkey_at(home: Path) -> ValkeyServer:
    """Return a Valkey under ``home``, started or not."""
    identity = binaries.service_identity()
    return ValkeyServer(
        home=home / "valkey",
        program=binaries.valkey_program(identity),
        identity=identity,
        databases=VALKEY_DATABASES,
    )


def start_once() -> Path | None:
    """Start the services, in the first process of a run; return their home there.

    Every process gets an environment that points at them.
    """
    if HOME_VARIABLE in os.environ:
        _point_at(Path(os.environ[HOME_VARIABLE]))
        return None
    remove_abandoned()
    home = Path(tempfile.mkdtemp(prefix=HOME_PREFIX))
    home.chmod(0o711)
    (home / "owner.pid").write_text(str(os.getpid()))
    os.environ[HOME_VARIABLE] = str(home)
    try:
        cluster_at(home).start()
        valkey_at(home).start()
        _point_at(home)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=ROOT
        )
    except BaseException:
        remove(home)
        raise
    return home


def backup_url(database: str) -> str:
    """Return the URL of ``database`` for the role that takes backups."""
    return cluster_at(Path(os.environ[HOME_VARIABLE])).url(BACKUP_ROLE, database)


def remove(home: Path) -> None:
    """Stop the services and leave nothing of them."""
    cluster_at(home).stop(mode="immediate")
    valkey_at(home).stop()
    shutil.rmtree(home, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove what a run that was killed has left behind."""
    for note in Path(tempfile.gettempdir()).glob(f"{HOME_PREFIX}*/owner.pid"):
        with contextlib.suppress(OSError, ValueError):  # somebody else's, or half written
            if note.stat().st_uid == os.geteuid() and not is_alive(int(note.read_text())):
                remove(note.parent)


def _point_at(home: Path) -> None:
    cluster, valkey = cluster_at(home), valkey_at(home)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings",
        ENVIRONMENT="test",
        SECRET_KEY="test-only-" + "0123456789abcdef" * 4,
        ENCRYPTION_KEYS="test:" + "A" * 43,
        DATABASE_URL=cluster.url(),
        DATABASE_OWNER_URL=cluster.url(OWNER_ROLE),
        DATABASE_SUPERUSER_URL=cluster.url(SUPERUSER),
        REDIS_URL=valkey.url,
        METRICS_TOKEN="test-metrics",
        # A busy machine must not look like a dead cache; tests of outages set their own.
        CACHE_TIMEOUT_MS="10000",
        # Nor like a pool that is empty.
        DB_POOL_TIMEOUT_MS="10000",
        # Every test calls from one address; tests of limits set their own.
        LIMIT_STRANGER_REQUESTS="1000000",
        LIMIT_USER_REQUESTS="1000000",
        LIMIT_MONEY_REQUESTS="1000000",
        LOG_STREAM="stderr",
        LOG_LEVEL="WARNING",
    )
