"""How staff publish the privacy notice and the terms, and see who agreed to them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from typing_extensions import override

from accounts.models import Notice, NoticeAcceptance
from accounts.services import publish_notice
from core.admin import ReaderAdmin
from core.fields import UUID_TEXT
from core.principals import of_staff


@admin.register(Notice)
class NoticeAdmin(ReaderAdmin):
    """Every wording there was. To add one puts it in force: everybody is asked to agree again."""

    list_display = ("kind", "version", "published_at", "published_by_id")
    list_filter = ("kind",)

    @override
    def get_fields(self, request: HttpRequest, obj: Notice | None = None) -> tuple[str, ...]:
        written = ("kind", "text")
        return (*written, "version", "published_at", "published_by_id") if obj else written

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.add_notice")

    @override
    def save_model(self, request: HttpRequest, obj: Notice, form: ModelForm, change: bool) -> None:
        made = publish_notice(kind=obj.kind, text=obj.text, actor=of_staff(request.user))
        obj.pk, obj.version = made.pk, made.version


@admin.register(NoticeAcceptance)
class NoticeAcceptanceAdmin(ReaderAdmin):
    """Who agreed to which words, when, and from where."""

    list_display = ("accepted_at", "user_id", "notice", "at_registration", "client_network")
    list_select_related = ("notice",)
    search_fields = ("user_id",)
    search_help_text = "The id of a person or of a notice."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(user_id=words) | rows.filter(notice_id=words)
