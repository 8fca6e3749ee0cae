"""The disk of PostgreSQL full: told as such, and all well once there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded.postgres import OWNER_ROLE, THROW_AWAY
from tests.breakable import World, is_unavailable, migrated
from tests.services import cluster_at
from tests.serving import serving

DISK_MB = 400
MOVES_MAX = 3_000
pytestmark = pytest.mark.xdist_group("full_disk")


@pytest.fixture
def small_disk(tmp_path_factory) -> Iterator[Path]:
    """A file system of its own, which a test may fill."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system; the gate of CI runs as root")
    folder = tmp_path_factory.mktemp("disk")
    for above in (folder, *folder.parents[:3]):
        above.chmod(above.stat().st_mode | 0o011)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=711", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def world(small_disk: Path, tmp_path: Path, worker_id: str) -> Iterator[World]:
    cluster = cluster_at(small_disk, settings={**THROW_AWAY, "max_wal_size": "64MB"})
    cluster.start()
    try:
        migrated(cluster)
        urls = {"DATABASE_URL": cluster.url(), "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE)}
        with serving(tmp_path, f"{worker_id}_disk") as serve:
            yield World(serve(workers=2, threads=4, **urls), cluster)
    finally:
        cluster.stop(mode="immediate")


def test_full_disk_is_told_and_nothing_is_lost(world, small_disk):
    ballast = small_disk / "ballast"
    fill(ballast)
    for _ in range(MOVES_MAX):
        answer = world.move()
        if answer[0] != 201:
            break
    else:
        pytest.fail("there was always room")
    assert is_unavailable(answer, "DB_STORAGE_FULL")
    assert world.is_alive()
    assert world.client().call("GET", "/api/v1/me/")[0] == 200, "what is there can be read"
    ballast.unlink()
    world.prove_recovered()
    assert world.service.command("ledger_verify", check=False).returncode == 0


def fill(ballast: Path) -> None:
    """Leave no room on the file system of ``ballast``."""
    block = b"\0" * 65_536
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(block) == len(block):
                pass
        except OSError:
            return
