"""What staff see of second factors: that they are there, never what they hold."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from accounts import services
from accounts.models import Challenge, Factor, PasswordBefore, RecoveryCode
from core.admin import ReaderAdmin
from core.errors import DomainError
from core.fields import UUID_TEXT
from core.principals import of_staff


class OfAPersonAdmin(ReaderAdmin):
    """Found by the person they belong to."""

    list_select_related = ("user",)
    search_fields = ("user__email_normalized",)
    search_help_text = "The e-mail address or id of a person."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(user_id=words)
        return rows.filter(user__email_normalized=words.casefold())


@admin.register(Factor)
class FactorAdmin(OfAPersonAdmin):
    """Authenticator apps and passkeys."""

    list_display = ("user", "kind", "label", "confirmed_at", "last_used_at", "is_backed_up")
    list_filter = ("kind",)
    fields = ("id", *list_display, "created_at")
    actions = ("remove_lost",)

    @admin.action(description="Remove all factors of these people", permissions=["act"])
    def remove_lost(self, request: HttpRequest, queryset: QuerySet[Factor]) -> None:
        """Help people who have lost what they prove themselves with; each of them gets a mail."""
        actor = of_staff(request.user)
        people = {factor.user_id: factor.user for factor in queryset.select_related("user")}
        try:
            removed = sum(
                services.remove_all_factors(user=user, actor=actor) for user in people.values()
            )
        except DomainError as exc:
            self.message_user(request, exc.detail, messages.ERROR)
            return
        self.message_user(request, f"{removed} factors were removed.", messages.SUCCESS)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("accounts.change_user")


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(OfAPersonAdmin):
    """Which codes are left."""

    list_display = ("user", "created_at", "used_at")
    fields = ("id", *list_display)


@admin.register(PasswordBefore)
class PasswordBeforeAdmin(OfAPersonAdmin):
    """When passwords were replaced."""

    list_display = ("user", "created_at")
    fields = ("id", *list_display)


@admin.register(Challenge)
class ChallengeAdmin(ReaderAdmin):
    """Logins that wait, or waited, for their second half."""

    list_display = ("user_id", "purpose", "attempts", "created_at", "expires_at", "answered_at")
    list_filter = ("purpose",)
    fields = ("id", *list_display)
    search_fields = ("user_id",)
    search_help_text = "The id of a person."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(user_id=words) if UUID_TEXT.match(words) else rows.none()
