"""Real services for every test: one throw-away PostgreSQL and Valkey for the whole run.

The first pytest process starts them before its workers; each worker clones a database of its own
from one migrated template. A test that commits gets a fresh clone afterwards: history refuses
TRUNCATE, and cloning is faster than cleaning.
"""

from __future__ import annotations

import sys
from collections.abc import Generator

import django
import pytest
from _pytest.nodeid import NodeId
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: at the end no worker is left alone with it."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group and item.config.getoption("loadgroup", default=False):
            # As xdist 3.8 does with the ``_nodeid`` of items, which pytest 9.2 no longer has.
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")  # noqa: SLF001 - as said


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Count no lines of a long test; pytest-cov's own mark does nothing in a worker of xdist."""
    counting = sys.gettrace()
    if item.get_closest_marker("long"):
        sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(counting)


def pytest_configure(config: pytest.Config) -> None:
    """Let the process that started the services remove them at its end, however it ends."""
    if _started_here is not None:
        config.add_cleanup(lambda: services.remove(_started_here))
