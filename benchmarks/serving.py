"""The service as shipped on a durable PostgreSQL of its own, for the time of a benchmark."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from core.embedded import binaries
from core.embedded.postgres import OWNER_ROLE, SUPERUSER, PostgresCluster
from core.embedded.valkey import ValkeyServer
from tests.ready import await_ready, free_port

ROOT = Path(__file__).parent.parent
WORKERS, THREADS = 2, 8
# Raised, not removed: each request is still counted.
LIMITS = {f"LIMIT_{who}_REQUESTS": "100000000" for who in ("STRANGER", "USER", "MONEY", "KEY")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Served:
    """A running service and the world in it."""

    host: str
    port: int
    pid: int
    environment: dict[str, str]
    cluster: PostgresCluster
    token: str
    key: str
    staff: str
    password: str
    ledger: str
    accounts: list[str]

    def pgbench(self) -> Path:
        """Return the program that comes with this PostgreSQL."""
        return self.cluster.programs / "pgbench"

    def database_url(self, role: str) -> str:
        """Return where PostgreSQL listens for ``role``."""
        return self.cluster.url(role)

    def cpu_us_each(self, work: Callable[[], float], *, seconds: float) -> float:
        """Do :func:`cpu_us_each` for the service."""
        return cpu_us_each(self.pid, work, seconds=seconds)

    def worker_rss_mib(self) -> float:
        """Return the resident memory of the largest worker."""
        largest = 0
        for pid in _children(self.pid):
            with contextlib.suppress(OSError):
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                largest = max(largest, pages * os.sysconf("SC_PAGE_SIZE"))
        return largest / 2**20


@contextlib.contextmanager
def served(
    *, workers: int = WORKERS, threads: int = THREADS, changes: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Serve, with people and money in it; nothing is left afterwards, also after SIGTERM.

    ``changes`` are settings that differ.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    home = Path(tempfile.mkdtemp(prefix="strongroom-bench-"))
    home.chmod(0o711)
    identity = binaries.service_identity()
    programs = binaries.postgres_programs(os.environ.get("PG_BIN_DIR"), identity)
    cluster = PostgresCluster(home=home / "pg", programs=programs, identity=identity)
    valkey = ValkeyServer(
        home=home / "valkey", program=binaries.valkey_program(identity), identity=identity
    )
    process = None
    try:
        cluster.start()
        valkey.start()
        port = free_port()
        environment = _environment(cluster, valkey, port, workers=workers, threads=threads)
        environment |= changes or {}
        _python(environment, "manage.py", "migrate", "--verbosity", "0")
        world = json.loads(_python(environment, "-m", "benchmarks.world"))
        log = home / "gunicorn.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"],
                env=environment,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        await_ready(environment["PUBLIC_URL"], process, log)
        yield Served(
            host="127.0.0.1",
            port=port,
            pid=process.pid,
            environment=environment,
            cluster=cluster,
            **world,
        )
    finally:
        if process is not None:
            process.terminate()
            process.wait(40)
        cluster.stop(mode="immediate")
        valkey.stop()
        shutil.rmtree(home, ignore_errors=True)


def _environment(
    cluster: PostgresCluster, valkey: ValkeyServer, port: int, *, workers: int, threads: int
) -> dict[str, str]:
    return {
        **os.environ,
        **LIMITS,
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "ENVIRONMENT": "test",
        "SECRET_KEY": "benchmark-" + "0123456789abcdef" * 4,
        "ENCRYPTION_KEYS": "test:" + "A" * 43,
        "DATABASE_URL": cluster.url(),
        "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE),
        "DATABASE_SUPERUSER_URL": cluster.url(SUPERUSER),
        "REDIS_URL": valkey.url,
        "PORT": str(port),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WEB_WORKERS": str(workers),
        "WEB_THREADS": str(threads),
        "LOG_STREAM": "stdout",
        "LOG_LEVEL": "INFO",
    }


def _python(environment: dict[str, str], *arguments: str) -> bytes:
    done = subprocess.run(
        [sys.executable, *arguments],
        # What it prints is read: log lines may not be among it.
        env={**environment, "LOG_STREAM": "stderr"},
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    return done.stdout


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def cpu_us_each(pid: int, work: Callable[[], float], *, seconds: float) -> float:
    """Return the processor time of each request that ``work`` sends, at the rate it returns.

    It is that of the server ``pid`` and its workers, without Valkey and PostgreSQL.
    """
    before = _cpu_s(pid)
    requests = work() * seconds
    return (_cpu_s(pid) - before) / max(1, requests) * 1_000_000


def _cpu_s(pid: int) -> float:
    ticks = 0
    for each in [pid, *_children(pid)]:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def libpq_variables(url: str) -> dict[str, str]:
    """Return what makes libpq's own programs use the database of ``url``."""
    parts = urllib.parse.urlsplit(url)
    return {
        "PGHOST": urllib.parse.parse_qs(parts.query)["host"][0],
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.lstrip("/"),
    }
