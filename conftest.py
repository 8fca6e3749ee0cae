"""Real services for every test: one throw-away PostgreSQL and Valkey for the whole run.

The first pytest process starts them before its workers; each worker clones a database of its own
from one migrated template. A test that commits gets a fresh clone afterwards: history refuses
TRUNCATE, and cloning is faster than cleaning.
"""

from __future__ import annotations

import django
import pytest
from hypothesis import HealthCheck, settings

from tests import services

# At import: the plugins below import models, and the settings name the services.
_started_here = services.start_once()
django.setup()

pytest_plugins = [
    "tests.static_files",
    "tests.database",
    "tests.people",
    "tests.callers",
    "tests.serving",
    "tests.proxy",
    "tests.browser",
    "tests.peers",
    "tests.watched",
]

# How fast examples come says how busy the machine is, not whether the code is right.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long, and from which seed, the ledger is compared with plain integers."""
    parser.addoption("--steps", type=int, default=10_000)
    parser.addoption("--seed", type=int)


def pytest_configure(config: pytest.Config) -> None:
    """Let the process that started the services remove them at its end, however it ends."""
    if _started_here is not None:
        config.add_cleanup(lambda: services.remove(_started_here))
