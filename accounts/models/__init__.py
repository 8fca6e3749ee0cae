"""People and what they prove themselves with."""

from accounts.models.api_keys import ApiKey
from accounts.models.people import User

__all__ = [
    "ApiKey",
    "User",
]
