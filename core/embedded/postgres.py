"""A private PostgreSQL cluster: made once, started and stopped at will."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from core.embedded import sockets
from core.embedded.binaries import Identity
from core.embedded.errors import EmbeddedServiceError
from core.embedded.private_files import write_private
from core.embedded.processes import await_end, is_running_program

SUPERUSER: Final = "postgres"
OWNER_ROLE: Final = "strongroom_owner"
APP_ROLE: Final = "strongroom_app"
READONLY_ROLE: Final = "strongroom_readonly"
BACKUP_ROLE: Final = "strongroom_backup"
# What each may do to the cluster; what to tables is granted by `manage.py migrate`.
ROLES: Final[Mapping[str, str]] = {
    OWNER_ROLE: "LOGIN CREATEDB",
    APP_ROLE: "LOGIN NOCREATEDB",
    READONLY_ROLE: "LOGIN NOCREATEDB",
    BACKUP_ROLE: "LOGIN NOCREATEDB REPLICATION IN ROLE pg_read_all_data",
}
DATABASE: Final = "strongroom"
START_TIMEOUT_S: Final = 60
BUILTIN_LOCALE_SINCE: Final = 17
WAL_SUMMARIES_SINCE: Final = 17

DURABLE: Final[Mapping[str, str]] = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "log_min_duration_statement": "1000",
    # Backups take the log with them, and what happened since is received within a minute.
    "wal_keep_size": "256MB",
    "max_slot_wal_keep_size": "4GB",
    "archive_timeout": "60",
}
# For tests: a crash of the machine may lose everything, a crash of the server nothing.
THROW_AWAY: Final[Mapping[str, str]] = {
    **DURABLE,
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PostgresCluster:
    """One cluster under ``home``; files belong to ``identity`` (``None``: to us)."""

    home: Path
    programs: Path
    identity: Identity | None = None
    settings: Mapping[str, str] = dataclasses.field(default_factory=lambda: DURABLE)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    @property
    def log_file(self) -> Path:
        """What the server writes about itself."""
        return self.home / "postgres.log"

    @property
    def socket_folder(self) -> Path:
        """Where the socket is."""
        return sockets.folder_for(self.home, self.identity)

    def start(self) -> None:
        """Make the cluster if there is none, start it if it does not run, make roles and database.

        Raises:
            EmbeddedServiceError: with the reason in one sentence.
        """
        self._create_once()
        if not self.is_running():
            self._forget_dead_server()
            self._write_configuration()
            told_before = self._log_bytes()
            if not self._start_once():
                self._start_again_after_a_crash(told_before)
        self._create_roles_once()

    def stop(self, *, mode: str = "fast") -> None:
        """Stop the server; ``fast`` ends clients and writes everything out."""
        if self.is_running():
            self._run("pg_ctl", "stop", "-w", "-m", mode, "-D", str(self.data))
        sockets.forget(self.home)

    def kill(self) -> None:
        """Kill the server without warning, as a crash would; its children follow."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            await_end(pid)

    def is_running(self) -> bool:
        """Return whether a server runs on this data directory."""
        pid = self.pid()
        if pid is None or not is_running_program(pid, "postgres"):
            return False
        return self._run("pg_ctl", "status", "-D", str(self.data)).returncode == 0

    def pid(self) -> int | None:
        """Return the server's process id, if it left one."""
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, IndexError, ValueError):
            return None

    def url(self, role: str = APP_ROLE, database: str = DATABASE) -> str:
        """Return a connection URL for ``role``, its password included."""
        password = self._passwords()[role]
        return f"postgresql://{role}:{password}@/{database}?host={self.socket_folder}"

    def _create_once(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)
        if self.data.is_dir():
            self._require_same_major()
            return
        self._own(self.home)
        passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *ROLES)}
        write_private(self.home / "passwords.json", json.dumps(passwords))
        partial = self.home / "data.partial"
        shutil.rmtree(partial, ignore_errors=True)
        password_file = self.home / "superuser-password"
        write_private(password_file, passwords[SUPERUSER])
        self._own(password_file)
        try:
            done = self._run(
                "initdb",
                "--pgdata",
                str(partial),
                "--username",
                SUPERUSER,
                "--pwfile",
                str(password_file),
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
                "--data-checksums",
                *self._locale(),
            )
        finally:
            password_file.unlink()
        if done.returncode != 0:
            raise EmbeddedServiceError(f"PostgreSQL's files cannot be made: {_reason(done.stderr)}")
        with (partial / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists = 'strongroom.conf'\n")
        partial.rename(self.data)

    def _require_same_major(self) -> None:
        try:
            made_by = (self.data / "PG_VERSION").read_text().strip()
        except OSError as exc:
            raise EmbeddedServiceError(
                f"{self.data} is not a PostgreSQL data directory: move it away and start again."
            ) from exc
        if made_by != str(self._major()):
            raise EmbeddedServiceError(
                f"{self.data} was made by PostgreSQL {made_by}, but this is {self._major()}: "
                "dump it with the old version, move it away and load the dump."
            )

    def _forget_dead_server(self) -> None:
        """Remove the note of a server that is gone and whose number another program has now."""
        pid = self.pid()
        if pid is not None and not is_running_program(pid, "postgres"):
            (self.data / "postmaster.pid").unlink()

    def _start_once(self) -> bool:
        arguments = ("start", "-w", "-t", str(START_TIMEOUT_S), "-D", str(self.data))
        return self._run("pg_ctl", *arguments, "-l", str(self.log_file)).returncode == 0

    def _start_again_after_a_crash(self, told_before: int) -> None:
        """Wait for the last processes of a killed server to let go of its memory and files."""
        deadline = time.monotonic() + START_TIMEOUT_S / 10
        while time.monotonic() < deadline and _is_passing(self._why_not_started(told_before)):
            time.sleep(0.1)
            if self._start_once():
                return
        raise EmbeddedServiceError(self._why_not_started(told_before))

    def _log_bytes(self) -> int:
        return self.log_file.stat().st_size if self.log_file.is_file() else 0

    def _write_configuration(self) -> None:
        lines = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0777",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({"summarize_wal": "on"} if self._major() >= WAL_SUMMARIES_SINCE else {}),
            **self.settings,
        }
        path = self.data / "strongroom.conf"
        path.write_text("".join(f"{name} = '{value}'\n" for name, value in lines.items()))
        self._own(path)

    def _create_roles_once(self) -> None:
        passwords = self._passwords_of_all_roles()
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as connection:
            known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in ROLES:
                if role not in known:
                    connection.execute(_new_role(role, passwords[role]))
            exists = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if not exists:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)
                    )
                )

    def _passwords_of_all_roles(self) -> dict[str, str]:
        """Return all passwords, new ones for roles that an older version did not know."""
        passwords = self._passwords()
        new = {role: secrets.token_urlsafe(24) for role in ROLES if role not in passwords}
        if new:
            passwords |= new
            write_private(self.home / "passwords.json", json.dumps(passwords))
        return passwords

    def _passwords(self) -> dict[str, str]:
        try:
            passwords: dict[str, str] = json.loads((self.home / "passwords.json").read_text())
        except (OSError, ValueError) as exc:
            raise EmbeddedServiceError(
                f"{self.home / 'passwords.json'} is missing or damaged: restore it, or move "
                f"{self.home} away to start with an empty database."
            ) from exc
        return passwords

    def _locale(self) -> list[str]:
        if self._major() >= BUILTIN_LOCALE_SINCE:
            return ["--locale-provider=builtin", "--locale=C.UTF-8"]
        return ["--locale=C.UTF-8"]

    def _major(self) -> int:
        text = self._run("postgres", "--version").stdout
        return int(text.split()[2].split(".")[0])

    def _why_not_started(self, told_before: int) -> str:
        try:
            lines = self.log_file.read_bytes()[told_before:].decode(errors="replace").splitlines()
        except OSError:
            lines = []
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        reason = fatal[-1].split(":", 3)[-1].strip() if fatal else "it gives no reason"
        return f"PostgreSQL did not start: {reason} (its log is {self.log_file})."

    def _own(self, path: Path) -> None:
        if self.identity is not None:
            os.chown(path, self.identity.uid, self.identity.gid)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        identity = self.identity
        return subprocess.run(  # noqa: S603 - our own programs, no shell
            [str(self.programs / program), *arguments],
            check=False,
            # pg_ctl's server would keep a pipe open for as long as it runs.
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd="/",
            env={"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"},
            user=identity.uid if identity else None,
            group=identity.gid if identity else None,
            extra_groups=[] if identity else None,
        )


def _new_role(role: str, password: str) -> sql.Composed:
    """Return the statement that makes one of our roles."""
    return sql.SQL("CREATE ROLE {} PASSWORD {} ").format(
        sql.Identifier(role), sql.Literal(password)
    ) + sql.SQL(ROLES[role])


def _is_passing(reason: str) -> bool:
    return "still in use" in reason or "already exists" in reason


def _reason(stderr: str) -> str:
    if "No space left on device" in stderr:
        return "the disk is full."
    errors = [line for line in stderr.splitlines() if "error" in line.lower()]
    return (errors or stderr.splitlines() or ["it gives no reason"])[-1].strip()
