"""What the commands of backups have in common."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from core.backups.faults import BackupFault


def instant(text: str) -> dt.datetime:
    """Read an instant; without an offset it is UTC."""
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Say a fault in one line and end with exit code 1."""
    try:
        yield
    except BackupFault as exc:
        raise CommandError(str(exc)) from exc
    except OSError as exc:
        raise CommandError(f"{exc.strerror}: {exc.filename or 'backup folder'}") from exc
