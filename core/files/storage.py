"""Where files lie: a private folder, under random names that say nothing and lead nowhere."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import structlog
from django.conf import settings

from core import context, errors
from core.files.content import CHUNK_BYTES
from core.files.errors import (
    FileInfected,
    FileTooLarge,
    ScannerTooSlow,
    ScannerUnavailable,
)

SCAN_TIMEOUT_S: Final = 20
INFECTED: Final = 1
_PART: Final = ".part"

log = structlog.get_logger(__name__)


def folder() -> Path:
    """Return the folder of all files; nobody else on the machine may look into it."""
    path: Path = settings.BASE_DIR / settings.ENV.upload_folder
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(stored_as: str) -> Path:
    """Return where the content of a stored file is."""
    return folder() / stored_as


@contextlib.contextmanager
def received(stream: IO[bytes], *, bytes_max: int) -> Iterator[tuple[Path, int, str]]:
    """Write ``stream`` to a new file; yields its path, size and SHA-256, then removes it.

    Who keeps the file moves it away within the block.

    Raises:
        FileTooLarge: more than ``bytes_max``; what came so far is gone.
        ClientTooSlow: the client stopped sending.
    """
    path = folder() / f"{secrets.token_hex(16)}{_PART}"
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("xb") as file:
            while chunk := _read(stream):
                size += len(chunk)
                if size > bytes_max:
                    raise FileTooLarge(
                        f"A file may have at most {bytes_max} bytes.", bytes_max=bytes_max
                    )
                digest.update(chunk)
                file.write(chunk)
        yield path, size, digest.hexdigest()
    finally:
        path.unlink(missing_ok=True)


def keep(path: Path) -> str:
    """Give a received file its lasting, random name and return it."""
    stored_as = secrets.token_hex(16)
    path.rename(path_of(stored_as))
    return stored_as


def remove(stored_as: str) -> None:
    """Remove the content of a stored file, if it is there."""
    path_of(stored_as).unlink(missing_ok=True)


def names_older_than(age_s: int) -> list[str]:
    """Return the names of everything in the folder that is older than that."""
    before = time.time() - age_s
    return [path.name for path in folder().iterdir() if path.stat().st_mtime < before]


def scan(path: Path) -> None:
    """Let the operator's scanner look at a file; without one, every file is clean.

    ``FILE_SCAN_COMMAND`` is run with the path: exit 0 is clean, 1 infected (as clamdscan says it),
    anything else a scanner that cannot tell.

    Raises:
        FileInfected: the scanner refused it.
        ScannerUnavailable: it cannot tell. Nothing is taken unseen.
        ScannerTooSlow: it did not tell within twenty seconds, or what the request has left.
    """
    command: list[str] = settings.ENV.file_scan_command
    if not command:
        return
    remaining_ms = context.current().remaining_ms()
    patience_s = SCAN_TIMEOUT_S if remaining_ms is None else remaining_ms / 1_000
    try:
        done = subprocess.run(  # noqa: S603 - the operator's command, and a path of ours
            [*command, str(path)],
            capture_output=True,
            timeout=max(0, min(SCAN_TIMEOUT_S, patience_s)),
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise _failed(ScannerTooSlow, "no answer in time") from exc
    except OSError as exc:
        raise _failed(ScannerUnavailable, type(exc).__name__) from exc
    if done.returncode == INFECTED:
        raise FileInfected("The file was not kept.")
    if done.returncode:
        raise _failed(ScannerUnavailable, f"exit {done.returncode}")


def _failed(error: type[errors.DomainError], reason: str) -> errors.DomainError:
    log.error("file_scanner_failed", reason=reason)
    return error("The file was not kept. Try again later.", retry_after_s=30)


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except OSError as exc:
        raise errors.ClientTooSlow("The file did not come within the time.") from exc
