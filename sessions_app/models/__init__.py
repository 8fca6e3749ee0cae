"""Sessions and what keeps them up."""

from sessions_app.models.refresh import RefreshFamily
from sessions_app.models.sessions import Session

__all__ = [
    "RefreshFamily",
    "Session",
]
