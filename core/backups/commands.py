"""What the commands of backups have in common."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management.base import CommandError

from core.backups.bucket import Bucket
from core.backups.faults import BackupFault
from core.backups.shelf import Shelf


def instant(text: str) -> dt.datetime:
    """Read an instant; without an offset it is UTC."""
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


@contextmanager
def shelf_of(*, is_remote: bool) -> Iterator[Shelf]:
    """Yield the shelf here, or an outline of the one in the bucket."""
    if not is_remote:
        yield Shelf()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Bucket().outline(Path(folder))


@contextmanager
def told_plainly() -> Iterator[None]:
    """Say a fault in one line and end with exit code 1."""
    try:
        yield
    except BackupFault as exc:
        raise CommandError(str(exc)) from exc
    except OSError as exc:
        raise CommandError(f"{exc.strerror}: {exc.filename or 'backup folder'}") from exc
