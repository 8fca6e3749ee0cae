"""People, what they prove themselves with, and the links mailed to them."""

from accounts.models.api_keys import ApiKey
from accounts.models.factors import Challenge, Factor, RecoveryCode
from accounts.models.imports import ImportedRow, PeopleImport
from accounts.models.notices import Notice, NoticeAcceptance
from accounts.models.one_time_tokens import OneTimeToken
from accounts.models.passwords import PasswordBefore
from accounts.models.people import User

__all__ = [
    "ApiKey",
    "Challenge",
    "Factor",
    "ImportedRow",
    "Notice",
    "NoticeAcceptance",
    "OneTimeToken",
    "PasswordBefore",
    "PeopleImport",
    "RecoveryCode",
    "User",
]
