"""The pages of records, destinations and webhooks."""

from core.admin import (
    archives,
    breakers,
    feedback,
    files,
    jobs,
    limits,
    operations,
    privacy,
    records,
    settings,
    webhooks,
)
from core.admin.reader import ROWS_MAX, CappedPaginator, ReaderAdmin

__all__ = [
    "ROWS_MAX",
    "CappedPaginator",
    "ReaderAdmin",
    "archives",
    "breakers",
    "feedback",
    "files",
    "jobs",
    "limits",
    "operations",
    "privacy",
    "records",
    "settings",
    "webhooks",
]
