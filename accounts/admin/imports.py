"""How staff follow imports of people."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from typing_extensions import override

from accounts.models import ImportedRow, PeopleImport
from core.admin import ReaderAdmin
from core.fields import UUID_TEXT


@admin.register(PeopleImport)
class PeopleImportAdmin(ReaderAdmin):
    """Files of people. The rows themselves are not here: they are forgotten when it is finished."""

    list_display = ("id", "user_id", "total", "created_at", "finished_at")
    fields = list_display
    search_help_text = "The id of an import, or of whoever sent it."
    search_fields = ("id",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(user_id=words)


@admin.register(ImportedRow)
class ImportedRowAdmin(ReaderAdmin):
    """What became of each row of an import."""

    list_display = ("people_import", "number", "outcome", "person_id", "code", "detail")
    list_filter = ("outcome",)
    list_select_related = ("people_import",)
    fields = list_display
    search_help_text = "The id of an import, or of a person."
    search_fields = ("id",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(people_import_id=words) | rows.filter(person_id=words)
