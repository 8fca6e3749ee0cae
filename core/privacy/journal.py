"""The erasure journal: who was erased, outside the database, so that no backup brings them back.

Each line is JSON and sealed to the one before it with a key that is not in the file: a line that
was changed, taken out or put in is found. A line is on the disk before its erasure commits.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings

from core import clock, crypto
from core.privacy.errors import JournalBroken

PURPOSE: Final = "erasure-journal"
FIRST: Final = ""


def append(user_id: uuid.UUID) -> None:
    """Write down, for good, that this person is being erased."""
    with _opened("a+") as file:
        file.seek(0)
        lines = file.read().splitlines()
        previous = json.loads(lines[-1])["seal"] if lines else FIRST
        line: dict[str, Any] = {
            "user_id": str(user_id),
            "erased_at": clock.as_rfc3339(clock.now()),
            "key": crypto.current_key_id(),
        }
        line["seal"] = _seal(line, previous)
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def entries() -> list[uuid.UUID]:
    """Return everybody the journal names, in the order they were erased.

    Raises:
        JournalBroken: a line is not what was written.
    """
    if not _path().is_file():
        return []
    found, previous = [], FIRST
    for number, text in enumerate(_path().read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
            seal = line.pop("seal")
            is_sound = seal == _seal(line, previous)
            found.append(uuid.UUID(line["user_id"]))
        except (ValueError, KeyError, TypeError, crypto.SealBroken) as exc:
            raise JournalBroken(f"Line {number} of {_path()} cannot be read.") from exc
        if not is_sound:
            raise JournalBroken(f"Line {number} of {_path()} is not what was written.")
        previous = seal
    return found


def _seal(line: dict[str, Any], previous: str) -> str:
    content = json.dumps([line["user_id"], line["erased_at"], line["key"], previous])
    return crypto.tag(content.encode(), purpose=PURPOSE, key_id=line["key"]).hex()


@contextlib.contextmanager
def _opened(mode: str) -> Iterator[IO[str]]:
    """Open the journal for one process at a time."""
    _path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _path().open(mode, encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _path() -> Path:
    path: Path = settings.BASE_DIR / settings.ENV.erasure_journal
    return path
