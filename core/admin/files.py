"""How staff see files: what there is, never what is in them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from typing_extensions import override

from core.admin.reader import ReaderAdmin
from core.fields import UUID_TEXT
from core.models import StoredFile


@admin.register(StoredFile)
class StoredFileAdmin(ReaderAdmin):
    """Files that people handed in; their content is nobody else's business."""

    list_display = ("created_at", "name", "media_type", "size_bytes", "user_id")
    search_fields = ("id",)
    search_help_text = "The id of a file or of its owner."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(user_id=words)
