"""A private Valkey: a cache in memory, nothing on disk."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.embedded import sockets
from core.embedded.binaries import Identity
from core.embedded.errors import EmbeddedServiceError
from core.embedded.processes import await_end, is_running_program

START_TIMEOUT_S: Final = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValkeyServer:
    """One server under ``home``, on a socket that only this folder's owner reaches."""

    home: Path
    program: Path
    identity: Identity | None = None
    memory_mb: int = 128
    databases: int = 16

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return sockets.folder_for(self.home, self.identity) / "valkey.sock"

    @property
    def url(self) -> str:
        """The connection URL."""
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        """Start the server if it does not run.

        Raises:
            EmbeddedServiceError: with the reason in one sentence.
        """
        if self.is_running():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        identity = self.identity
        if identity is not None:
            os.chown(self.home, identity.uid, identity.gid)
        with (self.home / "valkey.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [
                    str(self.program),
                    *("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
                    *("--save", "", "--appendonly", "no", "--dir", str(self.home)),
                    *("--databases", str(self.databases)),
                    *("--maxmemory", f"{self.memory_mb}mb", "--maxmemory-policy", "allkeys-lru"),
                    *("--pidfile", str(self.home / "valkey.pid"), "--daemonize", "no"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                user=identity.uid if identity else None,
                group=identity.gid if identity else None,
                extra_groups=[] if identity else None,
            )
        self._await(process)
        # The server outlives our interest in its handle; Python would complain of forgetting it.
        process.returncode = 0

    def stop(self) -> None:
        """Stop the server and wait until it is gone; one that does not answer is killed."""
        pid = self.pid()
        try:
            self._client().shutdown(nosave=True)
        except redis.RedisError:
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        if pid is not None:
            await_end(pid)
        (self.home / "valkey.pid").unlink(missing_ok=True)
        sockets.forget(self.home)

    def is_running(self) -> bool:
        """Return whether the server answers."""
        try:
            return bool(self._client().ping())
        except redis.RedisError:
            return False

    def pid(self) -> int | None:
        """Return the server's process id, if it runs, also when it does not answer."""
        try:
            pid = int((self.home / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if is_running_program(pid, self.program.name) else None

    def _client(self) -> redis.Redis:
        # Without the client's own retries: their pauses would make every "not yet" cost a second.
        return redis.Redis(
            unix_socket_path=str(self.socket), socket_timeout=2, retry=Retry(NoBackoff(), 0)
        )

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.is_running():
                return
            if process.poll() is not None:
                break
            time.sleep(0.02)
        raise EmbeddedServiceError(f"Valkey did not start; its log is {self.home / 'valkey.log'}.")
