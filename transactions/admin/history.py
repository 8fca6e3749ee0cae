"""How staff look at what moved."""

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
from transactions.admin.columns import LineColumns
from transactions.models import EntryLine, Transaction
from transactions.services import Reversal


class LineInline(LineColumns, admin.TabularInline):
    """A transaction's entries."""

    model = EntryLine
    fields = ("leg", "account", "amount_read", "balance_read", "account_seq")
    readonly_fields = fields
    ordering = ("leg",)
    extra = 0
    can_delete = False

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("account__asset")


@admin.register(Transaction)
class TransactionAdmin(ReaderAdmin):
    """What moved."""

    list_display = ("recorded_at", "reference", "description", "kind", "effective_at", "actor_kind")
    list_select_related = ("ledger",)
    inlines = (LineInline,)
    fields = (
        *("id", "reference", "description", "kind", "ledger", "effective_at", "recorded_at"),
        *("actor_kind", "actor_id", "session_id", "request_id", "metadata"),
    )
    search_fields = ("reference",)
    search_help_text = "A reference, the id of a transaction, of a request, or of an account."
    actions = ("reverse",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(
                pk__in=[words, *selectors.newest_ids_of_accounts([uuid.UUID(words)])]
            )
        found = selectors.ids_with_reference(words) or selectors.ids_of_request(words)
        return rows.filter(pk__in=found)

    @admin.action(description="Reverse", permissions=["reverse"])
    def reverse(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> TemplateResponse | None:
        """Give back all that is left of the chosen transactions."""
        actor = of_staff(request.user, session=request.session)
        return press(
            self,
            request,
            queryset,
            lambda transaction, reason: services.reverse_transaction(
                transaction_id=transaction.pk, reversal=Reversal(reason=reason), actor=actor
            ),
            title="Reverse transactions",
            question="All that is left of these goes back where it came from:",
            done="is reversed",
        )

    def has_reverse_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("transactions.post_any_transaction")


@admin.register(EntryLine)
class EntryLineAdmin(LineColumns, ReaderAdmin):
    """What moved, one side at a time."""

    list_display = (
        "recorded_at",
        "account",
        "amount_read",
        "balance_read",
        "account_seq",
        "effective_at",
    )
    list_select_related = ("account__asset",)
    search_fields = ("account__code",)
    search_help_text = "The code or id of an account, or the id of a transaction."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            accounts = [uuid.UUID(words)]
            found = rows.filter(transaction_id=words)
        else:
            accounts = selectors.ids_with_code(words)
            found = rows.none()
        # The newest of each by its index: in the order of the list all history would be read.
        newest = selectors.newest_ids_of_accounts(accounts)
        return found | rows.filter(account_id__in=accounts, transaction_id__in=newest)

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> EntryLine | None:
        # The view's key is made of two columns; looked up as such, their index serves.
        transaction_id, _, leg = object_id.partition(":")
        if not UUID_TEXT.match(transaction_id) or not leg.isdecimal():
            return None
        return self.get_queryset(request).filter(transaction_id=transaction_id, leg=leg).first()
