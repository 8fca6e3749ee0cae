"""People and what they prove themselves with."""

from accounts.models.people import User

__all__ = [
    "User",
]
