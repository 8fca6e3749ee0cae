"""Months that left for the archive."""

from __future__ import annotations

from django.contrib import admin

from core.admin.reader import ReaderAdmin
from core.models import MonthArchive


@admin.register(MonthArchive)
class MonthArchiveAdmin(ReaderAdmin):
    """Where a month lies, and whether it is back."""

    list_display = ("month", "archived_at", "restored_at", "folder")
