"""How staff look at books, assets and ledger accounts."""

from __future__ import annotations

import functools
import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from typing_extensions import override

from core.admin import ReaderAdmin
from core.confirmation import ReasonForm, given_reason, press
from core.errors import DomainError
from core.fields import UUID_TEXT
from core.principals import of_staff
from transactions import constants, money, selectors, services
from transactions.admin.columns import NO_LIMIT, amount_of
from transactions.admin.statements import statement_context
from transactions.api import queries
from transactions.models import Asset, Ledger, LedgerAccount


@admin.register(Asset)
class AssetAdmin(ReaderAdmin):
    """Currencies and custom units."""

    list_display = ("code", "name", "exponent", "iso_numeric")
    search_fields = ("code",)
    search_help_text = "A code."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(code=words.upper())


@admin.register(Ledger)
class LedgerAdmin(ReaderAdmin):
    """Books."""

    list_display = ("code", "name", "created_at")


class LimitsForm(ReasonForm):
    """The two limits of one account, as its balance is written."""

    field_order = ("floor", "ceiling", "reason")
    floor = forms.CharField(label="Lowest balance allowed", help_text="Or: no limit.")
    ceiling = forms.CharField(label="Highest balance allowed", help_text="Or: no limit.")

    def __init__(self, data: Any, *, account: LedgerAccount) -> None:
        self.exponent = account.asset.exponent
        bounds = {"floor": account.balance.floor, "ceiling": account.balance.ceiling}
        super().__init__(data, initial={name: self._written(bounds[name]) for name in bounds})

    def clean_floor(self) -> int | None:
        return self._read("floor")

    def clean_ceiling(self) -> int | None:
        return self._read("ceiling")

    def _written(self, bound: int | None) -> str:
        return NO_LIMIT if bound is None else money.readable(bound, self.exponent)

    def _read(self, name: str) -> int | None:
        text: str = self.cleaned_data[name]
        if text.casefold() == NO_LIMIT:
            return None
        try:
            return money.minor_units(text, self.exponent)
        except ValueError as exc:
            raise forms.ValidationError(str(exc)) from exc


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReaderAdmin):
    """Places money is."""

    list_display = (
        "code",
        "name",
        "user",
        "asset",
        "balance_now",
        "status",
        "created_at",
        "statement_link",
    )
    list_filter = ("status", "type", "ledger")
    list_select_related = ("user", "asset", "balance", "ledger")
    fields = (
        *("id", "ledger", "code", "name", "user", "asset", "type", "status"),
        *("balance_now", "floor_now", "ceiling_now", "held_now", "metadata", "created_at"),
        "statement_link",
    )
    readonly_fields = fields
    search_fields = ("code",)
    search_help_text = "An account's code or id, or its owner's e-mail address."
    actions = ("freeze", "freeze_debits", "unfreeze", "set_limits", "close")

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words)
        if "@" in words:
            return rows.filter(user__email_normalized=words.casefold())
        return rows.filter(code=words)

    @override
    def get_urls(self) -> list[URLPattern]:
        statement = path(
            "<uuid:account_id>/statement/",
            self.admin_site.admin_view(self.statement),
            name="transactions_ledgeraccount_statement",
        )
        return [statement, *super().get_urls()]

    @admin.display(description="balance")
    def balance_now(self, account: LedgerAccount) -> str:
        """Show the balance with its decimals."""
        return amount_of(account, account.balance.posted)

    @admin.display(description="lowest balance allowed")
    def floor_now(self, account: LedgerAccount) -> str:
        """Show the floor."""
        return amount_of(account, account.balance.floor)

    @admin.display(description="highest balance allowed")
    def ceiling_now(self, account: LedgerAccount) -> str:
        """Show the ceiling."""
        return amount_of(account, account.balance.ceiling)

    @admin.display(description="reserved")
    def held_now(self, account: LedgerAccount) -> str:
        """Show what holds reserve."""
        return amount_of(account, account.balance.held_out)

    @admin.display(description="statement")
    def statement_link(self, account: LedgerAccount) -> str:
        """Link to the statement."""
        url = reverse("admin:transactions_ledgeraccount_statement", args=[account.pk])
        return format_html('<a href="{}">Statement</a>', url)

    def statement(self, request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
        """Show an account's statement, by date of effect."""
        if not self.has_view_permission(request):
            raise Http404
        try:
            account = selectors.get_ledger_account(
                account_id=account_id, actor=of_staff(request.user)
            )
            since, until = queries.period(request.GET.dict())
            statement = statement_context(account, since=since, until=until)
        except DomainError as exc:
            raise Http404(exc.detail) from exc
        context = {
            **self.admin_site.each_context(request),
            **statement,
            "opts": self.model._meta,  # noqa: SLF001 - Django's documented Model._meta API
        }
        return TemplateResponse(request, "admin/transactions/statement.html", context)

    @admin.action(description="Freeze", permissions=["act"])
    def freeze(
        self, request: HttpRequest, queryset: QuerySet[LedgerAccount]
    ) -> TemplateResponse | None:
        """Stop all movement on the chosen accounts."""
        return self._set_status(request, queryset, constants.FROZEN, "Freeze accounts")

    @admin.action(description="Freeze payments out", permissions=["act"])
    def freeze_debits(
        self, request: HttpRequest, queryset: QuerySet[LedgerAccount]
    ) -> TemplateResponse | None:
        """Let the chosen accounts receive and not pay."""
        return self._set_status(
            request, queryset, constants.FROZEN_DEBIT, "Freeze payments out of accounts"
        )

    @admin.action(description="Unfreeze", permissions=["act"])
    def unfreeze(
        self, request: HttpRequest, queryset: QuerySet[LedgerAccount]
    ) -> TemplateResponse | None:
        """Let money move again."""
        return self._set_status(request, queryset, constants.OPEN, "Unfreeze accounts")

    @admin.action(description="Set limits", permissions=["act"])
    def set_limits(
        self, request: HttpRequest, queryset: QuerySet[LedgerAccount]
    ) -> TemplateResponse | None:
        """Set the lowest and highest balance of one account."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one account.", messages.ERROR)
            return None
        account = chosen[0]
        given = given_reason(
            self,
            request,
            queryset,
            title="Set limits",
            question="The balance of this account, holds counted, may lie between:",
            form_class=functools.partial(LimitsForm, account=account),
        )
        if not isinstance(given, dict):
            return given
        try:
            services.update_ledger_account(
                account=account,
                expected_version=account.version,
                changes={"floor": given["floor"], "ceiling": given["ceiling"]},
                actor=of_staff(request.user),
                reason=given["reason"],
            )
        except DomainError as exc:
            self.message_user(request, f"{account}: {exc.detail}", messages.ERROR)
        else:
            self.message_user(request, f"{account} has new limits.", messages.SUCCESS)
        return None

    @admin.action(description="Close", permissions=["act"])
    def close(
        self, request: HttpRequest, queryset: QuerySet[LedgerAccount]
    ) -> TemplateResponse | None:
        """Close the chosen accounts, if they are empty."""
        actor = of_staff(request.user)
        return press(
            self,
            request,
            queryset,
            lambda account, reason: services.close_ledger_account(
                account=account, actor=actor, reason=reason
            ),
            title="Close accounts",
            question="These accounts will be closed for good, if they are empty:",
            done="is closed",
        )

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons are there."""
        return request.user.has_perm("transactions.change_ledgeraccount")

    def _set_status(
        self, request: HttpRequest, accounts: QuerySet[LedgerAccount], status: str, title: str
    ) -> TemplateResponse | None:
        actor = of_staff(request.user)
        return press(
            self,
            request,
            accounts,
            lambda account, reason: services.update_ledger_account(
                account=account,
                expected_version=account.version,
                changes={"status": status},
                actor=actor,
                reason=reason,
            ),
            title=title,
            question=f"These accounts will be {status}:",
            done=f"is {status} now",
        )
