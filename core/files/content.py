"""What a file is, by its bytes alone: names and headers are only claims."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Final

from core import fields

# Enough to tell every type below apart.
HEAD_BYTES: Final = 64
CHUNK_BYTES: Final = 65_536
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_LINE_PARTS: Final = str.maketrans("", "", "\t\r\n")


def type_of(path: Path) -> str | None:
    """Return the media type of the file, ``None`` when it is none that is taken.

    Text is UTF-8 without control characters, and does not begin like markup: a browser that
    guesses would run it.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return "text/plain" if _is_plain_text(path) else None


def _is_plain_text(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_first = True
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError:
                return False
            if is_first and text.lstrip("\ufeff \t\r\n").startswith("<"):
                return False
            is_first = False
            if not fields.is_safe_text(text.translate(_LINE_PARTS).removeprefix("\ufeff")):
                return False
    return not decoder.getstate()[0]
