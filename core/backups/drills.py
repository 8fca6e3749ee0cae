"""The proof of a backup: it is restored beside the real one, and must be the same books."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings
from psycopg import conninfo

from core.backups import rebuilding, servers, totals
from core.backups.faults import BackupFault
from core.backups.sealing import read_sealed
from core.backups.shelf import LOGICAL, Manifest, Shelf
from core.backups.taking import DUMP
from core.embedded import binaries
from core.embedded.postgres import DURABLE, OWNER_ROLE, SUPERUSER, PostgresCluster

# What must succeed beside the restored database.
CHECKS: Final = {
    "migrations": ("migrate", "--check"),
    "ledger": ("ledger_verify", "--seals"),
    "audit": ("audit_verify", "--restored"),
}


def verify_files(place: Shelf, manifest: Manifest) -> None:
    """Check signature, presence and bytes of a backup and of all it builds on.

    Raises:
        BackupFault: names the file.
    """
    for link in place.chain(manifest):
        place.require_files(link)


def drill(
    place: Shelf, manifest: Manifest, *, to_time: dt.datetime | None = None
) -> dict[str, Any]:
    """Restore a backup into a scratch server, check it, and remember that it was done.

    Returns what was checked and ``restore_s``, the seconds until the restored database answered.

    Raises:
        BackupFault: it cannot be restored, or is not what was backed up.
    """
    verify_files(place, manifest)
    work = Path(tempfile.mkdtemp(prefix="strongroom-drill-"))
    work.chmod(0o711)
    began = time.monotonic()
    try:
        if manifest.kind == LOGICAL:
            report = _with_dump(place, manifest, work, began)
        else:
            report = _with_cluster(place, manifest, work, began, to_time)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if to_time is None:
        place.mark_verified(manifest, report)
    return report


def _with_cluster(
    place: Shelf, manifest: Manifest, work: Path, began: float, to_time: dt.datetime | None
) -> dict[str, Any]:
    data = work / "data"
    rebuilding.rebuild(place, manifest, data=data, to_time=to_time)
    with rebuilding.private_server(data) as folder:
        restore_s = time.monotonic() - began
        database = manifest.server["database"]
        with rebuilding.connect(folder, dbname=database) as connection:
            _require_totals(connection, manifest)
        return {
            "restore_s": round(restore_s, 1),
            "checks": check(private_urls(folder, manifest)),
        }


def _with_dump(place: Shelf, manifest: Manifest, work: Path, began: float) -> dict[str, Any]:
    identity = binaries.service_identity()
    cluster = PostgresCluster(
        home=work / "pg",
        programs=binaries.postgres_programs(settings.ENV.pg_bin_dir or None, identity),
        identity=identity,
        settings=DURABLE,
    )
    try:
        cluster.start()
        with (work / "dump").open("xb") as file:
            read_sealed(place.path(manifest.id) / DUMP, file)
        url = cluster.url(SUPERUSER)
        servers.run(
            *("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges"),
            f"--role={OWNER_ROLE}",
            f"--dbname={conninfo.conninfo_to_dict(url)['dbname']}",
            str(work / "dump"),
            url=url,
        )
        restore_s = time.monotonic() - began
        with psycopg.connect(url, autocommit=True) as connection:
            _require_totals(connection, manifest)
        urls = {"DATABASE_URL": url, "DATABASE_OWNER_URL": cluster.url(OWNER_ROLE)}
        return {"restore_s": round(restore_s, 1), "checks": check(urls)}
    finally:
        cluster.stop(mode="immediate")


def _require_totals(connection: psycopg.Connection[Any], manifest: Manifest) -> None:
    wrong = totals.differences(connection, manifest.totals)
    if wrong:
        raise BackupFault(f"The restored database differs in: {', '.join(wrong)}.")


def private_urls(folder: str, manifest: Manifest) -> dict[str, str]:
    """Return the environment that points our commands at a private server."""
    roles = {"DATABASE_URL": "default", "DATABASE_OWNER_URL": "owner"}
    database = manifest.server["database"]
    return {
        name: f"postgresql://{settings.DATABASES[alias]['USER']}@/{database}?host={folder}"
        for name, alias in roles.items()
    }


def check(urls: dict[str, str]) -> dict[str, str]:
    """Run every check as a command of our own beside the restored database.

    Raises:
        BackupFault: one fails; with its last words.
    """
    for command in CHECKS.values():
        require_success(urls, *command)
    return dict.fromkeys(CHECKS, "ok")


def require_success(urls: dict[str, str], *command: str) -> str:
    """Run ``manage.py`` with other databases and no cache; return what it printed.

    Raises:
        BackupFault: it failed; with its last words.
    """
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,  # noqa: TID251 - handed on whole to a process of our own
            **urls,
            "REDIS_URL": "unix:///nowhere.sock",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise BackupFault(f"{command[0]} fails on what was restored: {words[-1]}")
    return done.stdout
