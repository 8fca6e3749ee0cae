"""Folders for Unix sockets, whose whole path the kernel limits to 107 bytes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from core.embedded.binaries import Identity

# Leaves room for "/.s.PGSQL.5432.lock".
LENGTH_MAX: Final = 88
_NOTE: Final = "socket-folder"


def folder_for(home: Path, identity: Identity | None) -> Path:
    """Return ``home``, or a short private folder that a note in ``home`` remembers."""
    if len(str(home)) <= LENGTH_MAX:
        return home
    home.mkdir(parents=True, exist_ok=True)
    note = home / _NOTE
    if not (note.is_file() and Path(note.read_text()).is_dir()):
        folder = tempfile.mkdtemp(prefix="strongroom-")
        if identity is not None:
            os.chown(folder, identity.uid, identity.gid)
        note.write_text(folder)
    return Path(note.read_text())


def forget(home: Path) -> None:
    """Remove the short folder of a service that has stopped."""
    note = home / _NOTE
    if note.is_file():
        shutil.rmtree(note.read_text(), ignore_errors=True)
        note.unlink()
