"""Waiting for what another process will do, where nothing tells of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# A test of the other worker that is one long transaction holds back what has to be final first.
WAIT_S = 300


def until(question: Callable[[], T | None]) -> T:
    """Return the first true answer to ``question``."""
    deadline = time.monotonic() + WAIT_S
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return answer
