"""May this process be sent work, and how are the things it depends on?

Live touches nothing (see :mod:`core.middleware`). Ready asks PostgreSQL all it wants to know over a
connection of its own and within a limit, so that an exhausted pool is not taken for a dead
server and one that never answers holds nobody up; and Valkey, whose absence makes it slower but not
unready. A process that is about to stop is not ready whatever they say.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import resource
import shutil
import threading
from typing import Any, Final

import psycopg
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from health_check.base import HealthCheck
from health_check.exceptions import HealthCheckException, ServiceUnavailable, ServiceWarning
from psycopg import pq
from psycopg.abc import RV, PQGen
from typing_extensions import override

from core import cache, clock, counted, modes, partitions
from core.version import VERSION

# Together with Valkey's below two seconds, after which those who ask take no answer for a no.
CONNECT_TIMEOUT_S: Final = 1.2
ANSWER_TIMEOUT_S: Final = 0.5

_STARTED_MS: Final = clock.monotonic_ms()
_stopping = threading.Event()


def begin_to_stop() -> None:
    """Be unready from now on: this process ends."""
    _stopping.set()


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What PostgreSQL told about itself."""

    takes_writes: bool
    synchronous_commit: str
    migrations: frozenset[tuple[str, str]]
    months_ahead: int


@dataclasses.dataclass
class DatabaseReachable(HealthCheck):
    """PostgreSQL answers on a new connection, and takes writes; ``told`` gets what it said."""

    told: list[Facts]

    @override
    def run(self) -> None:
        loop = asyncio.new_event_loop()
        try:
            facts = loop.run_until_complete(_ask_database())
        except (psycopg.Error, OSError) as exc:
            raise ServiceUnavailable("PostgreSQL does not answer") from exc
        finally:
            # Not asyncio.run: it would wait for a name server that does not answer.
            loop.close()
        if not facts.takes_writes:
            raise ServiceUnavailable("PostgreSQL takes no writes")
        self.told.append(facts)


@dataclasses.dataclass
class CacheReachable(HealthCheck):
    """Valkey answers PING."""

    @override
    def run(self) -> None:
        if not cache.is_reachable():
            raise ServiceWarning("Valkey does not answer; requests are slower")
        if counted.IS_APART and not counted.SERVER.is_reachable():
            raise ServiceWarning("Valkey of the limits does not answer; each process has its share")


@dataclasses.dataclass
class MigrationsApplied(HealthCheck):
    """The schema is the one this code was written for."""

    facts: Facts

    @override
    def run(self) -> None:
        waiting = _newest_migrations() - self.facts.migrations
        if waiting:
            raise ServiceUnavailable("Migrations are not applied; run migrate")


@dataclasses.dataclass
class CommitsDurable(HealthCheck):
    """What was answered is on disk, and on a synchronous standby if there is one."""

    facts: Facts

    @override
    def run(self) -> None:
        if self.facts.synchronous_commit == "off":
            raise ServiceWarning("synchronous_commit is off: a crash loses what was acknowledged")


@dataclasses.dataclass
class PartitionsAhead(HealthCheck):
    """The big tables have room for the coming months."""

    facts: Facts

    @override
    def run(self) -> None:
        ahead = self.facts.months_ahead
        if ahead < partitions.MONTHS_AHEAD_WARNING:
            raise ServiceWarning(f"{ahead} months of partitions ahead; run partitions_ensure")


@dataclasses.dataclass
class ProcessStays(HealthCheck):
    """Nobody has told this process to stop."""

    @override
    def run(self) -> None:
        if _stopping.is_set():
            raise ServiceUnavailable("This process is about to stop")


def readiness() -> tuple[bool, dict[str, Any]]:
    """Return whether to send work here, and a body that names what is wrong without details.

    Checks after a dead database are skipped: they would only wait for it again.
    """
    told: list[Facts] = []
    checks = {"process": _result(ProcessStays()), "database": _result(DatabaseReachable(told))}
    for facts in told:
        checks["migrations"] = _result(MigrationsApplied(facts))
        checks["partitions"] = _result(PartitionsAhead(facts))
        checks["durability"] = _result(CommitsDurable(facts))
    checks["cache"] = _result(CacheReachable())
    states = {check["status"] for check in checks.values()}
    status = max(states, key=_ORDER.index)
    body = {
        "status": status,
        "service": "strongroom",
        "version": VERSION,
        "at": clock.as_rfc3339(clock.now()),
        "checks": checks,
    }
    return status != "unavailable", body


def details() -> dict[str, Any]:
    """Return what an operator wants to see: readiness and this process, no names of hosts."""
    ready, body = readiness()
    pool = getattr(connections["default"], "pool", None)
    return {
        **body,
        "ready": ready,
        "environment": settings.ENV.environment,
        "mode": modes.MODE.value,
        "uptime_s": round((clock.monotonic_ms() - _STARTED_MS) / 1_000),
        "memory_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024,
        "disk_free_mb": shutil.disk_usage(settings.BASE_DIR).free // 1_024**2,
        "pool": pool.get_stats() if pool is not None else {},
        "valkey": cache.about(),
        **({"valkey_state": counted.SERVER.about()} if counted.IS_APART else {}),
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


class _BriefConnection(psycopg.AsyncConnection[Any]):
    """One that does not wait for an answer for ever."""

    @override
    async def wait(
        self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = ANSWER_TIMEOUT_S
    ) -> RV:
        return await super().wait(gen, interval=interval, timeout=timeout)


# What an address may say: sslmode, certificates, several hosts; the rest is Django's.
_OF_LIBPQ: Final = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}


async def _connect() -> _BriefConnection:
    """Connect as requests do, but by a door of our own beside the pool."""
    parameters = connections["default"].get_connection_params()
    facts = {name: parameters[name] for name in _OF_LIBPQ & parameters.keys()} | {
        "options": f"-c statement_timeout={ANSWER_TIMEOUT_S * 1_000:.0f}",
        "application_name": "strongroom/health",
    }
    return await asyncio.wait_for(
        _BriefConnection.connect(**facts, autocommit=True), CONNECT_TIMEOUT_S
    )


async def _ask_database() -> Facts:
    connection = await _connect()
    try:
        cursor = await connection.execute(_QUESTION, [partitions.partitioned_tables()])
        read_only, commit, migrations, bounds = (await cursor.fetchone()) or (True, "", [], [])
    finally:
        await connection.close()
    return Facts(
        takes_writes=not read_only,
        synchronous_commit=commit,
        migrations=frozenset((app, name) for app, name in migrations),
        months_ahead=partitions.months_ahead_of(bounds),
    )


# In one go: each question would cost a round trip.
_QUESTION: Final = """
    SELECT current_setting('transaction_read_only')::boolean,
        current_setting('synchronous_commit'),
        (SELECT coalesce(json_agg(json_build_array(app, name)), '[]') FROM django_migrations),
        (SELECT coalesce(json_agg(json_build_array(b.relname, b.bound)), '[]')
         FROM ({bounds}) b (relname, bound))
""".replace("{bounds}", partitions.ALL_BOUNDS)


@functools.cache
def _newest_migrations() -> frozenset[tuple[str, str]]:
    """Return the migrations that no other one of this code follows."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())
