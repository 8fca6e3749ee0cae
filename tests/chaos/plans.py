"""What is killed, and how often."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from core.embedded.postgres import PostgresCluster
from tests.database import url_of
from tests.serving import Service

Strike = Callable[[], int]


def kill_a_worker(service: Service, choose: random.Random) -> int:
    """End one of the service's processes as a crash would; its master starts another."""
    master = service.process.pid
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    if not workers:
        return 0
    os.kill(int(choose.choice(workers)), signal.SIGKILL)
    return 1


def end_all_backends(service: Service) -> int:
    """Take every connection away at once."""
    with psycopg.connect(url_of("superuser", "postgres"), autocommit=True) as superuser:
        ended = superuser.execute(
            "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = %s",
            [service.database],
        ).fetchone()
    return ended[0] if ended else 0


def kill_postgres(cluster: PostgresCluster) -> int:
    """Kill the whole database without warning and start it again."""
    cluster.kill()
    cluster.start()
    return 1


def strikes(
    plan: str, *, service: Service, cluster: PostgresCluster, choose: random.Random
) -> tuple[float, Strike]:
    """Return the seconds between two strikes of ``plan``, and the strike."""
    return {
        "calm": (1.0, lambda: 0),
        "workers": (1.0, lambda: kill_a_worker(service, choose)),
        "backends": (0.7, lambda: end_all_backends(service)),
        "postmaster": (3.0, lambda: kill_postgres(cluster)),
    }[plan]


def strike_until(deadline: float, every_s: float, strike: Strike) -> int:
    """Strike until ``deadline``; return how many were hit."""
    hits = 0
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(every_s, left))
        hits += strike()
    return hits
