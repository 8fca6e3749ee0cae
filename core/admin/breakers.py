"""How staff see destinations that failed lately."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from core import breaker
from core.admin.reader import ReaderAdmin
from core.confirmation import given_reason
from core.models import CircuitBreaker
from core.principals import of_staff


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
