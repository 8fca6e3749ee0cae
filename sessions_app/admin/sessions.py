"""How staff see and end sessions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from typing_extensions import override

from core.admin import ReaderAdmin
from core.fields import UUID_TEXT
from sessions_app import devices, services
from sessions_app.admin import impersonation
from sessions_app.models import RefreshFamily, Session, SigningKey


@admin.register(Session)
class SessionAdmin(ReaderAdmin):
    """Who is logged in where. Tokens are not here: nobody has them but their owner."""

    list_display = (
        "user",
        "kind",
        "client_address",
        "device",
        "authenticated_at",
        "last_seen_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("kind", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    fields = (
        "id",
        *list_display,
        "revoke_reason",
        "assurance_level",
        "impersonator_id",
        "impersonation_reason",
        "api_key_id",
    )
    search_fields = ("id",)
    search_help_text = "The e-mail address or id of a person, or the id of a session."
    actions = ("end",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words) | rows.filter(user_id=words)
        return rows.filter(user__email_normalized=words.casefold())

    @admin.display(description="device")
    def device(self, session: Session) -> str:
        """Return what a person would call the device."""
        return devices.label_of(session.user_agent)

    @override
    def get_urls(self) -> list[URLPattern]:
        acting = path(
            "act-as/",
            self.admin_site.admin_view(self.act_as),
            name="sessions_app_session_impersonate",
        )
        return [acting, *super().get_urls()]

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = request.user.has_perm("sessions_app.impersonate_person")
        shown: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "may_impersonate": may}
        )
        return shown

    def act_as(self, request: HttpRequest) -> HttpResponse:
        """Begin to act as a person."""
        return impersonation.impersonate(request, dict(self.admin_site.each_context(request)))

    @admin.action(description="End now", permissions=["act"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """End the chosen sessions."""
        actor = impersonation.actor_of(request)
        for session in queryset:
            services.end_session(session_id=session.pk, actor=actor, reason="ended_by_staff")
        self.message_user(request, f"{len(queryset)} sessions were ended.", messages.SUCCESS)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("sessions_app.revoke_any_session")


@admin.register(RefreshFamily)
class RefreshFamilyAdmin(ReaderAdmin):
    """Which logins are kept up by refresh tokens, and which ended because one was stolen."""

    list_display = (
        "user_id",
        "session_id",
        "generation",
        "rotated_at",
        "expires_at",
        "revoked_at",
        "reuse_detected_at",
    )
    fields = ("id", *list_display, "created_at")
    list_filter = (("reuse_detected_at", admin.EmptyFieldListFilter),)
    search_fields = ("id",)
    search_help_text = "The id of a person, a session or a family."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(user_id=words) | rows.filter(session_id=words)


@admin.register(SigningKey)
class SigningKeyAdmin(ReaderAdmin):
    """What signs JWTs. Keys are replaced by ``manage.py signing_keys_rotate``."""

    list_display = ("id", "state", "created_at", "activated_at", "replaced_at", "retired_at")
    fields = list_display
    search_fields = ("id",)
    search_help_text = "The id of a key, which is the kid of its JWTs."
