"""What a client asked for and was told, on the disk before anything else happens."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class Journal:
    """One client's lines; each is on the disk when the method returns.

    ``sent`` says what a request is to bring about, before every attempt; ``settled`` what it has
    made for good, an id or ``None`` for each of its effects; ``failed`` that nobody knows.
    """

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def sent(self, mark: str, wants: list[dict[str, Any]]) -> None:
        """Write down a request that is about to go out, for the first time or again."""
        self._write(event="sent", mark=mark, wants=wants)

    def settled(self, mark: str, made: list[str | None]) -> None:
        """Write down a final answer."""
        self._write(event="settled", mark=mark, made=made)

    def failed(self, mark: str, why: str) -> None:
        """Write down that the answer is missing or asks to come again."""
        self._write(event="failed", mark=mark, why=why)

    def _write(self, **line: Any) -> None:
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)
