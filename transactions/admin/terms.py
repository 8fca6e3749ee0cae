"""How staff look at notes and at the terms of exchanges."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from typing_extensions import override

from core.admin import ReaderAdmin
from core.fields import UUID_TEXT
from transactions.models import Exchange, TransactionNote


@admin.register(TransactionNote)
class TransactionNoteAdmin(ReaderAdmin):
    """Remarks on transactions."""

    list_display = ("created_at", "transaction_id", "user_id", "text")
    search_fields = ("transaction_id",)
    search_help_text = "The id of a transaction or of an author."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(transaction_id=words) | rows.filter(user_id=words)


@admin.register(Exchange)
class ExchangeAdmin(ReaderAdmin):
    """Terms of exchanges; found by their transaction."""

    list_display = (
        "created_at",
        "source_asset",
        "source_amount",
        "fee_amount",
        "destination_asset",
        "destination_amount",
        "rate",
        "rate_scale",
    )
    search_fields = ("id",)
    search_help_text = "The id of a transaction."
