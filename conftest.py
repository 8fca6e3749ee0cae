"""Real services for every test: one throw-away PostgreSQL and Valkey for the whole run.

The first pytest process starts them before its workers; each worker clones a database of its own
from one migrated template. A test that commits gets a fresh clone afterwards: history refuses
TRUNCATE, and cloning is faster than cleaning.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core.embedded import binaries
from core.embedded.postgres import OWNER_ROLE, SUPERUSER, THROW_AWAY, PostgresCluster
from core.embedded.valkey import ValkeyServer

pytest_plugins = ["tests.database", "tests.people", "tests.serving", "tests.browser"]

# How fast examples come says how busy the machine is, not whether the code is right.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

ROOT = Path(__file__).parent
HOME_VARIABLE = "STRONGROOM_TEST_HOME"
TEMPLATE = "strongroom"


def cluster_at(home: Path) -> PostgresCluster:
    """Return the run's PostgreSQL, started or not."""
    identity = binaries.service_identity()
    return PostgresCluster(
        home=home / "pg",
        programs=binaries.postgres_programs(os.environ.get("PG_BIN_DIR"), identity),
        identity=identity,
        settings=THROW_AWAY,
    )


def valkey_at(home: Path) -> ValkeyServer:
    """Return the run's Valkey, started or not."""
    identity = binaries.service_identity()
    return ValkeyServer(
        home=home / "valkey", program=binaries.valkey_program(identity), identity=identity
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start the services in the first process; point every process at them."""
    if HOME_VARIABLE not in os.environ:
        home = Path(tempfile.mkdtemp(prefix="strongroom-test-"))
        home.chmod(0o711)
        os.environ[HOME_VARIABLE] = str(home)
        config.add_cleanup(lambda: _remove(home))
        cluster_at(home).start()
        valkey_at(home).start()
        _point_here(home)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
    _point_here(Path(os.environ[HOME_VARIABLE]))


def _point_here(home: Path) -> None:
    cluster, valkey = cluster_at(home), valkey_at(home)
    os.environ.update(
        ENVIRONMENT="test",
        SECRET_KEY="test-only-" + "0123456789abcdef" * 4,
        DATABASE_URL=cluster.url(),
        DATABASE_OWNER_URL=cluster.url(OWNER_ROLE),
        DATABASE_SUPERUSER_URL=cluster.url(SUPERUSER),
        REDIS_URL=valkey.url,
        METRICS_TOKEN="test-metrics",
        # A busy machine must not look like a dead cache; tests of outages set their own.
        CACHE_TIMEOUT_MS="10000",
        LOG_STREAM="stderr",
        LOG_LEVEL="WARNING",
    )


def _remove(home: Path) -> None:
    cluster_at(home).stop(mode="immediate")
    valkey_at(home).stop()
    shutil.rmtree(home, ignore_errors=True)
