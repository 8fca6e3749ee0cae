"""Where Django looks for the engine ``core.database``."""

from __future__ import annotations

from typing import Any

from django_prometheus.db.backends.postgresql import base

from core import db, statements


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-prometheus ships no types
    """A connection whose statements end with the request that sends them, and are watched."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The first one sees a statement first; the last one adds to it what PostgreSQL shall see.
        self.execute_wrappers += [db.within_deadline, statements.watched]
