"""How staff look after API keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from typing_extensions import override

from accounts import constants, key_format, services
from accounts.models import ApiKey
from core import scopes
from core.admin import ReaderAdmin
from core.errors import DomainError
from core.fields import UUID_TEXT
from core.principals import of_staff


class ServiceKeyForm(forms.Form):
    """What a key for a service may do, from where, and how long."""

    name = forms.CharField(
        max_length=constants.API_KEY_NAME_LENGTH_MAX, help_text="What the key is for."
    )
    scope_names = forms.MultipleChoiceField(
        label="It may",
        choices=lambda: [(scope.name, f"{scope.about} ({scope.name})") for scope in scopes.known()],
    )
    networks = forms.CharField(
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text="One address or network (203.0.113.0/24) a line. Empty: from anywhere.",
    )
    audience = forms.ChoiceField(
        required=False,
        label="It asks about tokens of",
        choices=lambda: [
            ("", f"sessions, and JWTs for {settings.ENV.public_url}"),
            *((name, f"JWTs for {name} only") for name in settings.ENV.jwt_audiences),
        ],
        help_text="Counts for a key that may ask whom a token speaks for.",
    )
    lifetime_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=constants.API_KEY_LIFETIME_DAYS_MAX,
        initial=constants.API_KEY_LIFETIME_DAYS_MAX,
        label="Days it works",
        help_text="Empty: until somebody revokes it.",
    )

    def clean_networks(self) -> list[str]:
        """Return the lines that are not empty."""
        lines: str = self.cleaned_data["networks"]
        return lines.split()


@admin.register(ApiKey)
class ApiKeyAdmin(ReaderAdmin):
    """Keys of programs. Their texts are not here: nobody has them but their owners."""

    list_display = (
        "name",
        "user",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "last_used_address",
        "overlap_until",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    fields = (
        "id",
        "begins_with",
        *list_display,
        "allowed_cidrs",
        "audience",
        "created_by_id",
        "replaced_by_id",
        "replaced_at",
        "revoke_reason",
    )
    search_fields = ("id",)
    search_help_text = "The e-mail address or id of a person, the id of a key, or how it begins."
    actions = ("revoke",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words) | rows.filter(user_id=words)
        key_id = key_format.key_id_of(words)
        if key_id is not None:
            return rows.filter(pk=key_id)
        return rows.filter(user__email_normalized=words.casefold())

    @override
    def get_urls(self) -> list[URLPattern]:
        service = path(
            "service/",
            self.admin_site.admin_view(self.new_service_key),
            name="accounts_apikey_service",
        )
        return [service, *super().get_urls()]

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_make = request.user.has_perm("accounts.add_apikey")
        shown: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "may_make_service_keys": may_make}
        )
        return shown

    def new_service_key(self, request: HttpRequest) -> HttpResponse:
        """Ask what a service's key may do, make it, and show its text this once."""
        if not request.user.has_perm("accounts.add_apikey"):
            raise PermissionDenied
        form = ServiceKeyForm(request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "title": "New key for a service",
            "form": form,
        }
        if form.is_valid():
            try:
                key, text = services.create_service_key(
                    **form.cleaned_data, actor=of_staff(request.user)
                )
            except DomainError as exc:
                form.add_error(None, exc.detail)
            else:
                context |= {"key": key, "text": text}
        return TemplateResponse(request, "admin/accounts/apikey/service.html", context)

    @admin.action(description="Revoke now", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End the chosen keys."""
        actor = of_staff(request.user)
        for key in queryset:
            services.revoke_api_key(key_id=key.pk, actor=actor, reason="by_staff")
        self.message_user(request, f"{len(queryset)} keys were revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm("accounts.revoke_any_apikey")
