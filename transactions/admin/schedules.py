"""How staff look at what is to happen later, and cancel it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from typing_extensions import override

from core.admin import ReaderAdmin
from core.confirmation import press
from core.fields import UUID_TEXT
from core.principals import of_staff
from transactions import services
from transactions.models import Schedule


@admin.register(Schedule)
class ScheduleAdmin(ReaderAdmin):
    """Scheduled transactions."""

    list_display = (
        *("run_at", "status", "user_id", "api_key_id"),
        *("failure_code", "failure_detail", "attempts"),
        *("transaction_id", "created_at"),
    )
    list_filter = ("status",)
    list_select_related = ("ledger",)
    search_fields = ("id",)
    search_help_text = "The id of a schedule, of who made it, or of what it became."
    actions = ("cancel",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return (
            rows.filter(pk=words) | rows.filter(user_id=words) | rows.filter(transaction_id=words)
        )

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> TemplateResponse | None:
        """Keep the chosen transactions from happening."""
        actor = of_staff(request.user)
        return press(
            self,
            request,
            queryset,
            lambda schedule, reason: services.cancel_schedule(
                schedule_id=schedule.pk, actor=actor, reason=reason
            ),
            title="Cancel scheduled transactions",
            question="These will not happen:",
            done="is cancelled",
        )

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("transactions.post_any_transaction")
