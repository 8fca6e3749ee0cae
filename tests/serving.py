"""The real service in processes of its own, for tests of crashes, races and browsers."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.database import clone, drop, url_of
from tests.ready import await_ready, free_port
from tests.services import VALKEY_DATABASES
from tests.waiting import until

ROOT = Path(__file__).parent.parent
SERVICES_MAX = 8


@dataclasses.dataclass
class Service:
    """A running gunicorn with its own database."""

    url: str
    database: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` beside the service."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            cwd=ROOT,
            check=check,
            capture_output=True,
            text=True,
        )

    def workers(self) -> list[int]:
        """Return the process ids of its web processes, once all of them are there."""
        master, wanted = self.process.pid, int(self.environment["WEB_WORKERS"])
        children = Path(f"/proc/{master}/task/{master}/children")

        def all_there() -> list[int] | None:
            pids = [int(pid) for pid in children.read_text().split()]
            return pids if len(pids) == wanted else None

        return until(all_there)

    def set_plan(self, scope: str, requests: int) -> None:
        """Write a plan of a day from a process of its own: whatever holds was heard of by others.

        No command of ours does it; staff do it in the admin.
        """
        self.command(
            *("shell", "-v", "0", "-c"),
            "from core import limits; from core.principals import SYSTEM; "
            f"limits.set_plan(scope={scope!r}, requests={requests}, window_s=86400, actor=SYSTEM)",
        )

    @contextlib.contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Let a worker do the service's jobs for a while."""
        with (self.log.parent / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def stop(self) -> int:
        """End it the polite way; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def end(self) -> None:
        """End it, by force if the polite way takes too long, which is a fault all the same."""
        try:
            self.stop()
        finally:
            self.process.kill()
            self.process.wait()

    def restart(self) -> int:
        """Stop and start it, as a deployment does; return the exit code of the old one."""
        code = self.stop()
        self.process = _gunicorn(self.environment, self.log)
        await_ready(self.url, self.process, self.log)
        return code


def _gunicorn(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _empty_valkey(name: str, number: int) -> str:
    """Return the URL of a Valkey database of this service's own, with nothing in it.

    Plans and counters are kept there: what one test's service knows must not hold for another's.
    """
    worker = int("".join(filter(str.isdigit, name)) or 7)
    index = VALKEY_DATABASES // 2 + (worker * SERVICES_MAX + number % SERVICES_MAX) % 60
    url = os.environ["REDIS_URL"].partition("db=")[0] + f"db={index}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def serve(tmp_path: Path, worker_id: str) -> Iterator[Callable[..., Service]]:
    """Start services: ``serve(workers=2, threads=8, **environment)``."""
    with serving(tmp_path, worker_id) as start:
        yield start


@contextlib.contextmanager
def serving(folder: Path, name: str) -> Iterator[Callable[..., Service]]:
    """Start services as above, with logs in ``folder``; at the end all of them are gone."""
    started: list[Service] = []

    def start(*, workers: int = 2, threads: int = 8, **changes: str) -> Service:
        number = len(started)
        database = f"served_{name}_{number}"
        clone(database)
        port = int(changes.get("PORT") or free_port())
        url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "DATABASE_URL": url_of("app", database),
            "DATABASE_OWNER_URL": url_of("owner", database),
            "REDIS_URL": _empty_valkey(name, number),
            "PORT": str(port),
            "PUBLIC_URL": url,
            "WEB_WORKERS": str(workers),
            "WEB_THREADS": str(threads),
            "LOG_STREAM": "stdout",
            "LOG_LEVEL": "INFO",
            "STOP_DELAY_S": "0",
            "DB_POOL_TIMEOUT_MS": "1000",
            **changes,
        }
        log = folder / f"gunicorn-{number}.log"
        process = _gunicorn(environment, log)
        service = Service(url, database, environment, process, log)
        started.append(service)
        await_ready(url, process, log)
        return service

    try:
        yield start
    finally:
        for service in started:
            service.end()
            drop(service.database)
