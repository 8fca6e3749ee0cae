"""How staff see records; and what every admin page of ours shares."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from core import breaker
from core.confirmation import given_reason
from core.fields import UUID_TEXT
from core.models import AuditEvent, CircuitBreaker, Epoch, OutboxEvent
from core.principals import of_staff

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
        return found | rows.filter(user_id=words) | rows.filter(actor_id=words)


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


@admin.register(CircuitBreaker)
class CircuitBreakerAdmin(ReaderAdmin):
    """Destinations outside that failed lately, and whether they are left alone."""

    list_display = (
        "destination",
        "failures",
        "open_until",
        "probe_until",
        "last_fault",
        "changed_at",
    )
    search_fields = ("destination",)
    search_help_text = "A part of the address."
    actions = ("close",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(destination__icontains=words)

    @admin.action(description="Call it again at once", permissions=["act"])
    def close(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Close the breakers of the chosen destinations."""
        given = given_reason(
            self,
            request,
            queryset,
            title="Call it again at once",
            question="Calls to these destinations start again, although they failed:",
        )
        if not isinstance(given, dict):
            return given
        for row in queryset:
            breaker.reset(destination=row.pk, actor=of_staff(request.user), reason=given["reason"])
        self.message_user(request, f"{len(queryset)} destinations are called again.")
        return None

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("core.change_circuitbreaker")
