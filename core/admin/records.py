"""How staff see records."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from typing_extensions import override

from core.admin.reader import ReaderAdmin
from core.fields import UUID_TEXT
from core.models import AuditChange, AuditEvent, AuditSeal, Epoch, OutboxEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReaderAdmin):
    """Who did what."""

    list_display = (
        "recorded_at",
        "action",
        "target_type",
        "target_id",
        "actor_kind",
        "actor_id",
        "impersonator_id",
        "outcome",
        "request_id",
    )
    search_fields = ("target_id",)
    search_help_text = "The id of a person, an object, the one who did it, or a request."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.filter(request_id=words)
        found = rows.filter(target_id=words) | rows.filter(request_id=words)
        found |= rows.filter(user_id=words) | rows.filter(actor_id=words)
        return found | rows.filter(impersonator_id=words)


@admin.register(AuditChange)
class AuditChangeAdmin(ReaderAdmin):
    """Which row changed, however it was changed, and what of it."""

    list_display = (
        "recorded_at",
        "operation",
        "table_name",
        "row_id",
        "actor_kind",
        "actor_id",
        "impersonator_id",
        "reason",
        "request_id",
    )
    search_fields = ("row_id",)
    search_help_text = "The id of a person, a row, the one who did it, or a request."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        found = rows.filter(request_id=words) | rows.filter(row_id=words)
        if not UUID_TEXT.match(words):
            return found
        return found | rows.filter(user_id=words) | rows.filter(actor_id=words)


@admin.register(AuditSeal)
class AuditSealAdmin(ReaderAdmin):
    """Up to where the audit trails are sealed."""

    list_display = ("sealed_at", "trail", "number", "rows", "last_id", "key_id")
    fields = ("trail", "number", "rows", "last_id", "key_id", "sealed_at")


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReaderAdmin):
    """What was announced to the outside."""

    list_display = ("recorded_at", "topic", "object_id", "user_id")
    search_fields = ("id",)
    search_help_text = "The id of an event."


@admin.register(Epoch)
class EpochAdmin(ReaderAdmin):
    """Since when the database counts its transactions as it does."""

    list_display = ("number", "began_at", "system_identifier", "timeline")
