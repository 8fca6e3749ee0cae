"""PostgreSQL's own programs, told where the server is without a secret in their arguments."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from psycopg import pq

from core.backups.faults import BackupFault
from core.embedded import binaries
from core.embedded.errors import EmbeddedServiceError


def backup_url() -> str:
    """Return the address of the server as the role that may read and copy everything."""
    url: str = (
        settings.ENV.database_backup_url
        or settings.ENV.database_owner_url
        or settings.ENV.database_url
    )
    return url


def environment(url: str) -> dict[str, str]:
    """Return the variables by which libpq finds ``url``."""
    named = {
        option.envvar.decode(): option.val.decode()
        for option in pq.Conninfo.parse(url.encode())
        if option.envvar and option.val
    }
    return {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC", **named}


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's client programs.

    Raises:
        BackupFault: it is not installed.
    """
    try:
        path = binaries.postgres_programs(settings.ENV.pg_bin_dir or None, None) / name
    except EmbeddedServiceError as exc:
        raise BackupFault(str(exc)) from exc
    if not path.is_file():
        raise BackupFault(f"{name} is not among PostgreSQL's programs in {path.parent}.")
    return str(path)


def run(name: str, *arguments: str, url: str | None = None) -> str:
    """Run one of the programs to its end; return its output.

    Raises:
        BackupFault: it failed; with its last words.
    """
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs, no shell
        [program(name), *arguments],
        env=environment(url) if url else environment(""),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BackupFault(f"{name} failed: {_last_words(done.stderr)}")
    return done.stdout


@contextlib.contextmanager
def output_of(name: str, *arguments: str, url: str) -> Iterator[IO[bytes]]:
    """Run one of the programs and yield its output as it comes; at the end it must have succeeded.

    Raises:
        BackupFault: it failed; with its last words.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - as above
            [program(name), *arguments],
            env=environment(url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout is not None, "it was asked for"
        try:
            yield process.stdout
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()
        if code != 0:
            errors.seek(0)
            raise BackupFault(
                f"{name} failed: {_last_words(errors.read().decode('utf-8', 'replace'))}"
            )


def free_bytes(folder: Path) -> int:
    """Return how much may still be written where ``folder`` is."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gives no reason."
