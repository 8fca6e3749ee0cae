"""Files of a backup: compressed with zstd, then encrypted with age (age-encryption.org/v1).

A server that only makes backups needs the recipient, which can encrypt and not decrypt. Whoever
has the identity opens the files also without this program: ``age -d -i FILE | zstd -d``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
from pathlib import Path
from typing import IO, Any, Final, Protocol

import pyrage
import zstandard
from django.conf import settings
from typing_extensions import override

from core.backups.faults import BackupFault

SUFFIX: Final = ".zst.age"
LEVEL: Final = 3
CHUNK_BYTES: Final = 1 << 20


class Readable(Protocol):
    """What can be read in pieces."""

    def read(self, size: int, /) -> bytes: ...


@dataclasses.dataclass(frozen=True, slots=True)
class SealedFile:
    """A file as the manifest knows it; ``plain_bytes`` before compression."""

    name: str
    bytes: int
    sha256: str
    plain_bytes: int


def write_sealed(source: Readable, path: Path) -> SealedFile:
    """Write all of ``source`` sealed and synced to the new file ``path``.

    Raises:
        BackupFault: no recipient is configured.
        OSError: the disk refuses.
    """
    plain = _Counting(source)
    recipients = _recipients()
    with path.open("xb") as file:
        writer = _Hashing(file)
        packed = zstandard.ZstdCompressor(level=LEVEL).stream_reader(plain)  # type: ignore[arg-type]  # it only reads
        try:
            pyrage.encrypt_io(packed, writer, recipients)
        except pyrage.EncryptError as exc:
            raise plain.failed or writer.failed or BackupFault(f"Sealing failed: {exc}.") from exc
        file.flush()
        os.fsync(file.fileno())
    return SealedFile(path.name, writer.bytes, writer.sha256.hexdigest(), plain.bytes)


def read_sealed(path: Path, sink: IO[bytes]) -> None:
    """Write what is in the sealed file ``path`` to ``sink``.

    Raises:
        BackupFault: no identity is configured, or the file is not what was written.
    """
    identity = _identity()
    with path.open("rb") as file:
        unpacked = zstandard.ZstdDecompressor().stream_writer(sink, closefd=False)
        try:
            pyrage.decrypt_io(file, unpacked, [identity])
            unpacked.close()  # type: ignore[no-untyped-call]  # untyped in the library
        except (pyrage.DecryptError, OSError, zstandard.ZstdError) as exc:
            raise BackupFault(f"{path} does not open: {exc}.") from exc


def make_identity() -> str:
    """Return a new identity in the form ``BACKUP_IDENTITY`` takes."""
    return str(pyrage.x25519.Identity.generate())


def _recipients() -> list[Any]:
    if settings.ENV.backup_recipients:
        try:
            names = settings.ENV.backup_recipients
            return [pyrage.x25519.Recipient.from_str(name) for name in names]
        except pyrage.RecipientError as exc:
            raise BackupFault("BACKUP_RECIPIENTS holds something that is no recipient.") from exc
    return [_identity().to_public()]


def _identity() -> Any:
    if not settings.ENV.backup_identity:
        raise BackupFault("Backups are encrypted: set BACKUP_IDENTITY, or BACKUP_RECIPIENTS here.")
    try:
        return pyrage.x25519.Identity.from_str(settings.ENV.backup_identity)
    except pyrage.IdentityError as exc:
        raise BackupFault("BACKUP_IDENTITY is no age identity.") from exc


class _Counting(io.RawIOBase):
    """Counts what is read; keeps what went wrong, which the encryption only retells."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.bytes = 0
        self.failed: Exception | None = None

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        try:
            chunk = self._source.read(size if size and size > 0 else CHUNK_BYTES)
        except Exception as exc:
            self.failed = exc
            raise
        self.bytes += len(chunk)
        return chunk


class _Hashing(io.RawIOBase):
    """Hashes and counts what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.bytes = 0
        self.failed: Exception | None = None

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, chunk: Any, /) -> int:
        try:
            self._file.write(chunk)
        except OSError as exc:
            self.failed = exc
            raise
        self.sha256.update(chunk)
        self.bytes += len(chunk)
        return len(chunk)
