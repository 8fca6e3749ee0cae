"""People, and the links mailed to them."""

from accounts.models.api_keys import ApiKey
from accounts.models.one_time_tokens import OneTimeToken
from accounts.models.people import User

__all__ = [
    "ApiKey",
    "OneTimeToken",
    "User",
]
