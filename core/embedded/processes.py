"""Waiting for processes that are not our children."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

END_TIMEOUT_S: Final = 10


def await_end(pid: int) -> None:
    """Return once ``pid`` is gone, or after ten seconds."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Return whether ``pid`` runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return not Path("/proc/self").exists()
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def is_running_program(pid: int, program: str) -> bool:
    """Return whether ``pid`` is a living ``program``, and not one that has its number by chance.

    Where the system does not tell (no ``/proc``), a living process is believed.
    """
    if not is_alive(pid):
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return not Path("/proc/self").exists()
    return program.encode() in command.split(b"\0")[0]
