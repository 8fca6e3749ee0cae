"""Sessions."""

from sessions_app.models.sessions import Session

__all__ = [
    "Session",
]
