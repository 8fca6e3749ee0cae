"""Where Django looks for the engine ``core.database``."""

from __future__ import annotations

from typing import Any

from django_prometheus.db.backends.postgresql import base

from core import db


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-prometheus ships no types
    """A connection on which no statement outlives the request that sends it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(db.within_deadline)
