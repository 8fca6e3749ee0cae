"""What every admin page of ours shares: shown and found, never written."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from core.fields import UUID_TEXT

ROWS_MAX = 10_000


class CappedPaginator(Paginator):
    """Pages without COUNT(*): looks at most 10,000 rows ahead. Further back, search."""

    @cached_property
    @override
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.values_list("pk")[:ROWS_MAX])


class ReaderAdmin(admin.ModelAdmin):
    """Shows and finds, never writes; what may be done is a button that calls a service."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions_on_bottom = False

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        """Return the rows that ``words`` names: by id, unless a subclass knows more."""
        return rows.filter(pk=words) if UUID_TEXT.match(words) else rows.none()

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.strip()
        return (self.found_by(queryset, words) if words else queryset), False
