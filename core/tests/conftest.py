"""What tests of the library share."""

from __future__ import annotations

import dataclasses

import pytest
from django.conf import settings

from core import crypto


@pytest.fixture
def ring(monkeypatch):
    """Replace the ring of keys; returns how."""

    def use(*keys: str) -> None:
        monkeypatch.setattr(
            settings, "ENV", dataclasses.replace(settings.ENV, encryption_keys=list(keys))
        )
        crypto._ring.cache_clear()
        crypto._derived.cache_clear()

    yield use
    monkeypatch.undo()
    crypto._ring.cache_clear()
    crypto._derived.cache_clear()
