"""How staff look at money that is set aside, and let it go."""

from __future__ import annotations

import uuid
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
from transactions import selectors, services
from transactions.admin.columns import amount_of
from transactions.models import Hold


@admin.register(Hold)
class HoldAdmin(ReaderAdmin):
    """Money set aside."""

    list_display = (
        "created_at",
        "source",
        "destination",
        "amount_read",
        "captured_read",
        "status",
        "expires_at",
    )
    list_filter = ("status",)
    list_select_related = ("source__asset", "destination", "ledger")
    fields = (
        *("id", "ledger", "source", "destination", "amount_read", "captured_read", "status"),
        *("description", "created_at", "expires_at", "closed_at", "metadata"),
        *("actor_kind", "actor_id", "session_id", "request_id"),
    )
    readonly_fields = fields
    search_fields = ("source__code",)
    search_help_text = "The id of a hold, or the code or id of an account."
    actions = ("release",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            wanted = [uuid.UUID(words)]
            return rows.filter(pk__in=[*wanted, *selectors.newest_hold_ids(wanted)])
        return rows.filter(pk__in=selectors.newest_hold_ids(selectors.ids_with_code(words)))

    @admin.display(description="amount")
    def amount_read(self, hold: Hold) -> str:
        """Show the amount with its decimals."""
        return amount_of(hold.source, hold.amount)

    @admin.display(description="captured")
    def captured_read(self, hold: Hold) -> str:
        """Show what was captured with its decimals."""
        return amount_of(hold.source, hold.captured)

    @admin.action(description="Release", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[Hold]) -> TemplateResponse | None:
        """Give what is left of the chosen holds back to their sources."""
        actor = of_staff(request.user)
        return press(
            self,
            request,
            queryset,
            lambda hold, reason: services.release_hold(hold_id=hold.pk, actor=actor, reason=reason),
            title="Release holds",
            question="What is left of these holds goes back to their sources:",
            done="is released",
        )

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("transactions.post_any_transaction")
