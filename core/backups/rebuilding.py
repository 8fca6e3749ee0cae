"""A data directory out of a backup and the log after it, and a private server to look into it."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import pwd
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
from django.conf import settings

from core import clock
from core.backups import servers, wal
from core.backups.faults import BackupFault
from core.backups.sealing import read_sealed
from core.backups.shelf import LOGICAL, Manifest, Shelf
from core.backups.taking import CLUSTER, PG_MANIFEST
from core.embedded import binaries, sockets

RECOVERY_TIMEOUT_S: Final = 3_600
_WAL_FOLDER: Final = "brought_back_wal"


def rebuild(
    place: Shelf, manifest: Manifest, *, data: Path, to_time: dt.datetime | None = None
) -> None:
    """Write the data directory ``data`` as the cluster was at ``to_time``, else as late as known.

    The server that is started on it replays the log and begins a new timeline.

    Raises:
        BackupFault: not a physical backup, a file is not what was written, a piece of the log is
            missing, ``data`` exists, or ``to_time`` lies before the end of the backup.
    """
    if manifest.kind == LOGICAL:
        raise BackupFault(f"{manifest.id} is a dump: it goes into a database, not a directory.")
    if data.exists():
        raise BackupFault(f"{data} exists: nothing is written over it.")
    if to_time is not None and to_time < manifest.made_at:
        raise BackupFault(f"{manifest.id} ended after {clock.as_rfc3339(to_time)}: take an older.")
    chain = place.chain(manifest)
    parts = []
    work = data.with_name(data.name + ".work")
    work.mkdir(parents=True, mode=0o711)
    try:
        for link in chain:
            place.require_files(link)
            parts.append(_unpacked(place, link, work))
        if len(parts) > 1:
            paths = [str(part) for part in parts]
            servers.run("pg_combinebackup", *paths, f"--output={work / 'combined'}")
            parts = [work / "combined"]
        wal.bring_back(place, first=chain[-1].wal["first_segment"], into=parts[0] / _WAL_FOLDER)
        _write_recovery(parts[0], to_time)
        parts[0].rename(data)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _give_away(data)


def _unpacked(place: Shelf, manifest: Manifest, work: Path) -> Path:
    archive, folder = work / "cluster.tar", work / manifest.id
    folder.mkdir(mode=0o700)
    with archive.open("xb") as file:
        read_sealed(place.path(manifest.id) / CLUSTER, file)
    with tarfile.open(archive) as members:
        members.extractall(folder, filter="tar")
    archive.unlink()
    shutil.copy(place.path(manifest.id) / PG_MANIFEST, folder / PG_MANIFEST)
    servers.run("pg_verifybackup", "--no-parse-wal", "--quiet", str(folder))
    return folder


def _write_recovery(data: Path, to_time: dt.datetime | None) -> None:
    lines = [
        f"restore_command = 'cp {_WAL_FOLDER}/%f %p'",
        "recovery_target_timeline = 'latest'",
        "recovery_target_action = 'promote'",
    ]
    if to_time is not None:
        lines.append(f"recovery_target_time = '{to_time.astimezone(dt.UTC).isoformat()}'")
    (data / "postgresql.auto.conf").write_text("\n".join(lines) + "\n")
    (data / "recovery.signal").touch()


def _give_away(data: Path) -> None:
    """Give the files to the user whom PostgreSQL runs as, when we are root."""
    identity = binaries.service_identity()
    if identity is None:
        return
    for path in (data, *data.rglob("*")):
        os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


@contextlib.contextmanager
def private_server(data: Path) -> Iterator[str]:
    """Run a server on ``data`` that only we can reach; yield its socket folder once recovered.

    Raises:
        BackupFault: it does not start, or cannot replay what it should.
    """
    identity = binaries.service_identity()
    programs = binaries.postgres_programs(settings.ENV.pg_bin_dir or None, identity)
    home = data.parent
    folder = sockets.folder_for(home, identity)
    log = home / "restored.log"
    _write_access(data)
    _give_away(data)
    home.chmod(0o711)
    if identity is not None:
        log.touch()
        os.chown(log, identity.uid, identity.gid)
        os.chown(home, identity.uid, identity.gid)
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "hba_file": str(data / "private_hba.conf"),
        "ident_file": str(data / "private_ident.conf"),
        "port": "5432",
        "archive_mode": "off",
        "ssl": "off",
        "shared_preload_libraries": "",
    }
    said = " ".join(f"-c {name}='{value}'" for name, value in options.items())

    def control(*arguments: str) -> int:
        return subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
            [str(programs / "pg_ctl"), *arguments, "-D", str(data)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"},
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
        ).returncode

    try:
        if control("start", "-w", "-t", str(RECOVERY_TIMEOUT_S), "-l", str(log), "-o", said):
            raise BackupFault(f"The restored server does not start: {_fatal(log)}")
        _await_recovered(str(folder), log)
        yield str(folder)
    finally:
        control("stop", "-w", "-m", "fast")
        sockets.forget(home)


def finish(data: Path) -> None:
    """Remove what only the restore needed."""
    shutil.rmtree(data / _WAL_FOLDER, ignore_errors=True)
    for name in ("private_hba.conf", "private_ident.conf"):
        (data / name).unlink(missing_ok=True)
    (data / "postgresql.auto.conf").write_text("")
    _give_away(data)


def _write_access(data: Path) -> None:
    """Let our own operating system user be every role, by the socket alone."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    (data / "private_hba.conf").write_text("local all all peer map=private\n")
    (data / "private_ident.conf").write_text(f"private {me} all\n")


def _await_recovered(folder: str, log: Path) -> None:
    deadline = time.monotonic() + RECOVERY_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with connect(folder, dbname="postgres") as connection:
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
                if row is not None and not row[0]:
                    return
        except psycopg.OperationalError as exc:
            raise BackupFault(f"The restored server ended: {_fatal(log)}") from exc
        time.sleep(0.05)
    raise BackupFault(f"The restored server replays for more than {RECOVERY_TIMEOUT_S} s.")


def connect(folder: str, *, dbname: str) -> psycopg.Connection[Any]:
    """Connect to a private server as its superuser."""
    return psycopg.connect(host=folder, dbname=dbname, user="postgres", autocommit=True)


def _fatal(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line]
    return (fatal or lines or ["it gives no reason."])[-1].split(":", 3)[-1].strip()
