"""How staff see records."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from typing_extensions import override

from core.admin.reader import ReaderAdmin
from core.fields import UUID_TEXT
from core.models import AuditChange, AuditEvent, AuditSeal, Epoch, OutboxEvent
from core.principals import HOUSE_USER_ID


class TrailAdmin(ReaderAdmin):
    """A trail: to the second, with people that lead to their pages."""

    readonly_fields = ("at", "person", "done_by", "in_their_name")

    @admin.display(description="recorded (UTC)")
    def at(self, row: AuditEvent | AuditChange) -> str:
        """Return when, exactly enough to be compared with logs."""
        return f"{row.recorded_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="person")
    def person(self, row: AuditEvent | AuditChange) -> str:
        """Return whose account or row it was."""
        return _link(row.user_id)

    @admin.display(description="done by")
    def done_by(self, row: AuditEvent | AuditChange) -> str:
        """Return who did it, by their own login or their key."""
        return _link(row.actor_id)

    @admin.display(description="by staff in their name")
    def in_their_name(self, row: AuditEvent | AuditChange) -> str:
        """Return who of the staff acted as them, if anybody did."""
        return _link(row.impersonator_id) if row.impersonator_id else "-"


def _link(person_id: uuid.UUID) -> str:
    if person_id == HOUSE_USER_ID:
        return "the service"
    people = get_user_model()._meta  # noqa: SLF001 - Django's documented Model._meta API
    page = f"admin:{people.app_label}_{people.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(page, args=[person_id]), person_id)


@admin.register(AuditEvent)
class AuditEventAdmin(TrailAdmin):
    """Who did what."""

    list_display = (
        "at",
        "action",
        "target_type",
        "target_id",
        "actor_kind",
        "done_by",
        "in_their_name",
        "outcome",
        "request_id",
    )
    fields = (
        *("at", "action", "outcome", "target_type", "target_id", "person", "actor_kind"),
        *("done_by", "in_their_name", "session_id", "client_address", "request_id", "data"),
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
class AuditChangeAdmin(TrailAdmin):
    """Which row changed, however it was changed, and what of it."""

    list_display = (
        "at",
        "operation",
        "table_name",
        "row_id",
        "actor_kind",
        "done_by",
        "in_their_name",
        "reason",
        "request_id",
    )
    fields = (
        *("at", "operation", "table_name", "row_id", "before", "after", "person", "actor_kind"),
        *("done_by", "in_their_name", "session_id", "client_address", "request_id", "reason"),
        "database_role",
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
