"""How staff look after people."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from accounts import selectors, services
from accounts.models import OneTimeToken, User
from core.admin import ReaderAdmin
from core.fields import UUID_TEXT

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(ReaderAdmin):
    """People. Staff never see or set a password."""

    list_display = ("email", "name", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "groups")
    fields = (
        "id",
        "email",
        "name",
        "is_active",
        "is_staff",
        "mfa_enforced",
        "groups",
        "created_at",
    )
    search_fields = ("email_normalized",)
    search_help_text = "An e-mail address, the beginning of one, or an id."
    actions = ("lock_out", "let_in", "require_factor", "allow_without_factor")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        people: QuerySet[Any] = User.objects.people()
        return people

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words)
        return rows.filter(email_normalized__startswith=words.casefold())

    @admin.action(description="Lock out, ending all sessions", permissions=["act"])
    def lock_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Deactivate the chosen people."""
        self._set_active(request, queryset, is_active=False)

    @admin.action(description="Let in again", permissions=["act"])
    def let_in(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Activate the chosen people."""
        self._set_active(request, queryset, is_active=True)

    @admin.action(description="Require a second factor", permissions=["act"])
    def require_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Ask the chosen people for two proofs; who has one only can add another."""
        self._set_mfa_enforced(request, queryset, is_enforced=True)

    @admin.action(description="Do not require a second factor", permissions=["act"])
    def allow_without_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Leave it to the chosen people whether they have a second factor."""
        self._set_mfa_enforced(request, queryset, is_enforced=False)

    def _set_mfa_enforced(
        self, request: HttpRequest, people: QuerySet[User], *, is_enforced: bool
    ) -> None:
        actor = selectors.staff_principal(request.user)
        for user in people:
            services.set_mfa_enforced(user=user, is_enforced=is_enforced, actor=actor)
        done = "must have" if is_enforced else "may have"
        self.message_user(request, f"{len(people)} people {done} a second factor.")

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons are there."""
        return request.user.has_perm("accounts.change_user")

    def _set_active(self, request: HttpRequest, people: QuerySet[User], *, is_active: bool) -> None:
        actor = selectors.staff_principal(request.user)
        for user in people:
            services.set_active(user=user, is_active=is_active, actor=actor, reason="by staff")
        done = "let in" if is_active else "locked out"
        self.message_user(request, f"{len(people)} people were {done}.", messages.SUCCESS)


@admin.register(OneTimeToken)
class OneTimeTokenAdmin(ReaderAdmin):
    """Links that were mailed. Nobody but their owner has the links themselves."""

    list_display = ("user", "purpose", "created_at", "expires_at", "consumed_at")
    list_filter = ("purpose", ("consumed_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    fields = ("id", *list_display)
    search_fields = ("id",)
    search_help_text = "The e-mail address or id of a person."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words) | rows.filter(user_id=words)
        return rows.filter(user__email_normalized=words.casefold())


@admin.register(Group)
class RoleAdmin(ReaderAdmin):
    """Roles; the table in the code says what each may do."""

    list_display = ("name",)
    search_fields = ()
