"""What tests of sessions share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.db import transaction

from core import clock


@pytest.fixture
def commits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what waits for a commit happen at once: these tests never commit."""
    monkeypatch.setattr(transaction, "on_commit", lambda work, **_given: work())


@pytest.fixture
def held_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A clock that stands still until it is moved: ``held_clock(seconds=5)``."""
    moment = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: moment[0])

    def move(**by: float) -> None:
        moment[0] += dt.timedelta(**by)

    return move
