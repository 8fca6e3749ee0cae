"""How staff see the registry of cookies, the cookies issued, and who agreed to them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from core.admin import ReaderAdmin
from core.errors import DomainError
from core.fields import UUID_TEXT
from core.principals import of_staff
from sessions_app import services
from sessions_app.models import (
    ConsentRecord,
    ConsentSubject,
    Cookie,
    CookieDefinition,
    PolicyVersion,
)


@admin.register(CookieDefinition)
class CookieDefinitionAdmin(ReaderAdmin):
    """Which cookies applications may issue."""

    list_display = ("name", "category", "purpose", "max_age_s", "is_active")
    list_filter = ("category", "is_active")
    fields = (
        "id",
        *list_display,
        "domain",
        "path",
        "secure",
        "http_only",
        "same_site",
        "partitioned",
        "created_at",
    )
    search_fields = ("name",)
    search_help_text = "The name of a cookie, or a part of it."
    actions = ("retire", "reinstate")

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(name__icontains=words)

    @admin.action(description="Issue no more", permissions=["manage"])
    def retire(self, request: HttpRequest, queryset: QuerySet[CookieDefinition]) -> None:
        """Take the chosen cookies out of use."""
        self._switch(request, queryset, is_active=False)

    @admin.action(description="Issue again", permissions=["manage"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[CookieDefinition]) -> None:
        """Put the chosen cookies into use again."""
        self._switch(request, queryset, is_active=True)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons are there."""
        return request.user.has_perm("sessions_app.manage_cookies")

    def _switch(
        self, request: HttpRequest, rows: QuerySet[CookieDefinition], *, is_active: bool
    ) -> None:
        actor = of_staff(request.user)
        for row in rows:
            try:
                services.change_definition(
                    definition_id=row.pk, version=row.version, is_active=is_active, actor=actor
                )
            except DomainError as refusal:
                self.message_user(request, f"{row.name}: {refusal.detail}", messages.ERROR)
            else:
                self.message_user(request, f"{row.name} was changed.", messages.SUCCESS)


@admin.register(Cookie)
class CookieAdmin(ReaderAdmin):
    """Cookies in people's browsers. Neither their tokens nor what is behind them is here."""

    list_display = (
        "definition",
        "user_id",
        "kind",
        "client_address",
        "user_agent",
        "created_at",
        "rotated_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("definition",)
    fields = (
        "id",
        *list_display,
        "revoke_reason",
        "generation",
        "subject_id",
        "session_id",
    )
    search_fields = ("id",)
    search_help_text = "The id of a cookie, a person, a session or a consent giver."
    actions = ("revoke",)

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("value_sealed")

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.filter(user__email_normalized=words.casefold())
        found = rows.filter(pk=words) | rows.filter(user_id=words)
        return found | rows.filter(session_id=words) | rows.filter(subject_id=words)

    @admin.action(description="Revoke now", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Cookie]) -> None:
        """End the chosen cookies."""
        actor = of_staff(request.user)
        for cookie in queryset:
            services.revoke_cookie(cookie_id=cookie.pk, actor=actor, reason="by_staff")
        self.message_user(request, f"{len(queryset)} cookies were revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("sessions_app.revoke_any_cookie")


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReaderAdmin):
    """What people were shown when they were asked."""

    list_display = ("version", "published_at", "published_by_id")
    fields = ("id", *list_display, "text")


@admin.register(ConsentSubject)
class ConsentSubjectAdmin(ReaderAdmin):
    """Who was asked; without a person, a visitor or somebody whose account was erased."""

    list_display = ("id", "user_id", "records", "created_at")
    fields = list_display
    search_fields = ("id",)
    search_help_text = "The id of a consent giver or a person."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(user_id=words)


@admin.register(ConsentRecord)
class ConsentRecordAdmin(ReaderAdmin):
    """Who agreed to what, when and how. Nobody can change it."""

    list_display = ("created_at", "subject_id", "sequence", "policy", "choices", "mechanism", "gpc")
    list_filter = ("mechanism", "gpc")
    list_select_related = ("policy",)
    fields = ("id", *list_display, "source", "locale", "client_network")
    search_fields = ("id",)
    search_help_text = "The id of a consent or a consent giver."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(subject_id=words)
