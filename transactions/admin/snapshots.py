"""Balances at the ends of days."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from core.admin import ReaderAdmin
from core.fields import UUID_TEXT
from transactions import selectors
from transactions.admin.columns import amount_of
from transactions.models import SnapshotLine


@admin.register(SnapshotLine)
class SnapshotLineAdmin(ReaderAdmin):
    """How much there was at the end of a day, by either clock."""

    list_display = ("day", "account", "recorded_read", "effective_read")
    list_select_related = ("account__asset",)
    fields = list_display
    readonly_fields = fields
    search_fields = ("account__code",)
    search_help_text = "The code or id of an account."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(account_id=words)
        return rows.filter(account_id__in=selectors.ids_with_code(words))

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> SnapshotLine | None:
        # The view's key is made of two columns; looked up as such, their index serves.
        account_id, _, day = object_id.partition(":")
        try:
            on = dt.date.fromisoformat(day)
        except ValueError:
            return None
        if not UUID_TEXT.match(account_id):
            return None
        return self.get_queryset(request).filter(account_id=account_id, day=on).first()

    @admin.display(description="balance by time of recording")
    def recorded_read(self, line: SnapshotLine) -> str:
        """Show the amount with its decimals."""
        return amount_of(line.account, line.recorded)

    @admin.display(description="balance by date of effect")
    def effective_read(self, line: SnapshotLine) -> str:
        """Show the amount with its decimals."""
        return amount_of(line.account, line.effective)
