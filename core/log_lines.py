"""Whole lines, whoever else writes to the same place.

Several processes share one pipe or one file. A write to a file opened for appending is one piece;
a write to a pipe is only as long as the pipe's buffer has room (pipe(7), PIPE_BUF), so writers
take turns there.
"""

from __future__ import annotations

import fcntl
import io
import logging
import logging.handlers
import tempfile
from typing import Final

from typing_extensions import override

_DESCRIPTORS: Final = {"stdout": 1, "stderr": 2}


class SharedStream(logging.StreamHandler[io.TextIOWrapper]):
    """Standard output or error, one line at a time over all processes forked from this one."""

    def __init__(self, stream: str) -> None:
        super().__init__(_unbuffered(io.FileIO(_DESCRIPTORS[stream], "wb", closefd=False)))
        # A lock on a file belongs to a process; threads take turns by the handler's own lock.
        self._turn = tempfile.TemporaryFile()  # noqa: SIM115 - for as long as this handler lives

    @override
    def emit(self, record: logging.LogRecord) -> None:
        fcntl.lockf(self._turn, fcntl.LOCK_EX)
        try:
            super().emit(record)
        finally:
            fcntl.lockf(self._turn, fcntl.LOCK_UN)

    @override
    def close(self) -> None:
        self._turn.close()
        super().close()


class SharedFile(logging.handlers.WatchedFileHandler):
    """A file that any number of processes append to, and that may be renamed at any time."""

    @override
    def _open(self) -> io.TextIOWrapper:
        return _unbuffered(io.FileIO(self.baseFilename, "ab"))


def _unbuffered(raw: io.FileIO) -> io.TextIOWrapper:
    """Return a text stream that hands each line to the system in one piece."""
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
