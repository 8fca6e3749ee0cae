"""Files about a person, sealed with the person's own key: without its row nobody opens them.

A file is pieces of AES-256-GCM under a key of its own, derived from the person's (RFC 5869). Each
piece is bound to the file, to its number, and to whether it is the last: none can be changed,
left out, put elsewhere or cut off.
"""

from __future__ import annotations

import io
import struct
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from typing_extensions import Buffer, override

from core import crypto, personal_keys

PIECE_BYTES: Final = 1 << 18
_TAG_BYTES: Final = 16


def key_for(*, user_id: uuid.UUID, name: str) -> bytes:
    """Return the key of the file ``name`` about a person; their own key is made when first needed.

    Joins the caller's transaction.
    """
    return personal_keys.derived(user_id=user_id, purpose=f"file:{name}")


class SealedWriter(io.RawIOBase):
    """Takes bytes and writes them sealed; :meth:`close` writes the last piece."""

    def __init__(self, file: IO[bytes], key: bytes) -> None:
        self._file, self._box = file, AESGCM(key)
        self._waiting, self._number = bytearray(), 0
        self.size = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, content: Buffer) -> int:
        chunk = bytes(content)
        self._waiting += chunk
        self.size += len(chunk)
        while len(self._waiting) > PIECE_BYTES:
            self._put(bytes(self._waiting[:PIECE_BYTES]), is_last=False)
            del self._waiting[:PIECE_BYTES]
        return len(chunk)

    @override
    def close(self) -> None:
        if not self.closed:
            self._put(bytes(self._waiting), is_last=True)
        super().close()

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        nonce, bound = _place_of_piece(self._number, is_last=is_last)
        self._file.write(self._box.encrypt(nonce, piece, bound))
        self._number += 1


def opened(name: str, key: bytes) -> Iterator[bytes]:
    """Yield what was written to the file ``name``.

    Raises:
        SealBroken: changed, cut off, or under a key that is gone.
    """
    box, size = AESGCM(key), PIECE_BYTES + _TAG_BYTES
    with path_of(name).open("rb") as file:
        piece, number = file.read(size), 0
        while piece:
            following = file.read(size)
            nonce, bound = _place_of_piece(number, is_last=not following)
            try:
                yield box.decrypt(nonce, piece, bound)
            except InvalidTag as exc:
                raise crypto.SealBroken("A sealed file cannot be opened.") from exc
            piece, number = following, number + 1


def path_of(name: str) -> Path:
    """Return where a file lies; nobody else on the machine may look into its folder."""
    folder: Path = settings.BASE_DIR / settings.ENV.export_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / name


def remove(name: str) -> None:
    """Remove a file, if it is there."""
    path_of(name).unlink(missing_ok=True)


def _place_of_piece(number: int, *, is_last: bool) -> tuple[bytes, bytes]:
    # The key is the file's alone, so that a count is a nonce that never comes twice.
    return struct.pack(">xxxxQ", number), b"last" if is_last else b"more"
