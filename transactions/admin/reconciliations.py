"""A bank's statement beside ours, and what staff say about the differences."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from typing_extensions import override

from core.admin import ReaderAdmin
from core.confirmation import press
from core.fields import UUID_TEXT
from core.principals import of_staff
from transactions import services
from transactions.admin.columns import amount_of
from transactions.models import Reconciliation, ReconciliationLine


@admin.register(Reconciliation)
class ReconciliationAdmin(ReaderAdmin):
    """Uploaded statements and how they compared."""

    list_display = (
        *("created_at", "account", "first_day", "last_day"),
        *("matched", "unexpected", "missing", "lines_link"),
    )
    list_select_related = ("account",)
    fields = (*list_display, "days_apart_max", "file_sha256", "actor_id")
    readonly_fields = fields
    search_fields = ("account__code",)
    search_help_text = "The id of a reconciliation or of an account."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(account_id=words)

    @admin.display(description="lines")
    def lines_link(self, reconciliation: Reconciliation) -> str:
        """Link to the lines."""
        url = reverse("admin:transactions_reconciliationline_changelist")
        return format_html('<a href="{}?q={}">Lines</a>', url, reconciliation.pk)


@admin.register(ReconciliationLine)
class ReconciliationLineAdmin(ReaderAdmin):
    """What both say, only the bank says, or only we say."""

    list_display = (
        *("day", "amount_read", "reference", "description", "state", "rule"),
        *("resolved_at", "reason"),
    )
    list_filter = ("state",)
    list_select_related = ("reconciliation__account__asset",)
    fields = (*list_display, "reconciliation", "transaction_id", "account_seq", "resolved_by")
    readonly_fields = fields
    search_fields = ("reconciliation__id",)
    search_help_text = "The id of a reconciliation or of a line."
    actions = ("resolve",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(reconciliation_id=words)

    @admin.display(description="amount")
    def amount_read(self, line: ReconciliationLine) -> str:
        """Show the amount with its decimals."""
        return amount_of(line.reconciliation.account, line.amount)

    @admin.action(description="Resolve", permissions=["resolve"])
    def resolve(
        self, request: HttpRequest, queryset: QuerySet[ReconciliationLine]
    ) -> TemplateResponse | None:
        """Settle the chosen lines with a reason."""
        actor = of_staff(request.user)
        return press(
            self,
            request,
            queryset.select_related("reconciliation"),
            lambda line, reason: services.resolve_line(
                reconciliation=line.reconciliation, line_id=line.pk, reason=reason, actor=actor
            ),
            title="Resolve lines",
            question="These lines are settled; no money moves:",
            done="is resolved",
        )

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("transactions.change_reconciliation")
