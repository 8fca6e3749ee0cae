"""May this process be sent work, and how are the things it depends on?

Live touches nothing (see :mod:`core.middleware`). Ready asks PostgreSQL over a connection of its
own with a short limit, so that an exhausted pool and a dead server are told apart, and Valkey,
whose absence makes it slower but not unready.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from health_check.base import HealthCheck
from health_check.exceptions import HealthCheckException, ServiceUnavailable, ServiceWarning
from typing_extensions import override

from core import cache, clock, modes, partitions
from core.version import VERSION

CHECK_TIMEOUT_S: Final = 1


@dataclasses.dataclass
class DatabaseReachable(HealthCheck):
    """PostgreSQL answers ``SELECT 1`` on a new connection."""

    @override
    def run(self) -> None:
        parameters = connections["default"].get_connection_params()
        keep = ("dbname", "user", "password", "host", "port", "sslmode", "sslrootcert")
        try:
            with psycopg.connect(
                **{name: parameters[name] for name in keep if name in parameters},
                connect_timeout=CHECK_TIMEOUT_S,
                options=f"-c statement_timeout={CHECK_TIMEOUT_S * 1_000}",
                application_name="strongroom/health",
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as exc:
            raise ServiceUnavailable("PostgreSQL does not answer") from exc


@dataclasses.dataclass
class CacheReachable(HealthCheck):
    """Valkey answers PING."""

    @override
    def run(self) -> None:
        if not cache.is_reachable():
            raise ServiceWarning("Valkey does not answer; requests are slower")


@dataclasses.dataclass
class MigrationsApplied(HealthCheck):
    """The schema is the one this code was written for."""

    @override
    def run(self) -> None:
        try:
            executor = MigrationExecutor(connections["default"])
            waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as exc:
            raise ServiceUnavailable("The schema cannot be read") from exc
        if waiting:
            raise ServiceUnavailable(f"{len(waiting)} migrations are not applied")


@dataclasses.dataclass
class PartitionsAhead(HealthCheck):
    """The big tables have room for the coming months."""

    @override
    def run(self) -> None:
        try:
            ahead = partitions.months_ahead()
        except DatabaseError as exc:
            raise ServiceUnavailable("The partitions cannot be read") from exc
        if ahead < partitions.MONTHS_AHEAD_WARNING:
            raise ServiceWarning(f"{ahead} months of partitions ahead; run partitions_ensure")


def readiness() -> tuple[bool, dict[str, Any]]:
    """Return whether to send work here, and a body that names what is wrong without details.

    Checks after a dead database are skipped: they would only wait for it again.
    """
    checks: dict[str, Any] = {}
    database = _result(DatabaseReachable())
    checks["database"] = database
    if database["status"] == "ok":
        checks["migrations"] = _result(MigrationsApplied())
        checks["partitions"] = _result(PartitionsAhead())
    checks["cache"] = _result(CacheReachable())
    states = {check["status"] for check in checks.values()}
    status = "unavailable" if "unavailable" in states else max(states, key=_ORDER.index)
    body = {
        "status": status,
        "service": "strongroom",
        "version": VERSION,
        "at": clock.as_rfc3339(clock.now()),
        "checks": checks,
    }
    return status != "unavailable", body


def details() -> dict[str, Any]:
    """Return what an operator wants to see: readiness and the pool, no names of hosts."""
    ready, body = readiness()
    pool = getattr(connections["default"], "pool", None)
    return {
        **body,
        "ready": ready,
        "environment": settings.ENV.environment,
        "mode": modes.MODE.value,
        "pool": pool.get_stats() if pool is not None else {},
    }


_ORDER: Final = ("ok", "degraded", "unavailable")


def _result(check: HealthCheck) -> dict[str, Any]:
    started_ms = clock.monotonic_ms()
    status, detail = "ok", None
    try:
        check.run()
    except ServiceWarning as exc:
        status, detail = "degraded", exc.message
    except HealthCheckException as exc:
        status, detail = "unavailable", exc.message
    result = {"status": status, "duration_ms": round(clock.monotonic_ms() - started_ms, 2)}
    return {**result, "detail": detail} if detail else result
