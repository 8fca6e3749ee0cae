"""How staff see cookie jars: that they are there, never what is in a cookie."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from typing_extensions import override

from core.admin import ReaderAdmin
from core.fields import UUID_TEXT
from sessions_app.models import CookieJar, JarCookie


@admin.register(CookieJar)
class CookieJarAdmin(ReaderAdmin):
    """Whose jars there are."""

    list_display = ("label", "user", "created_at")
    list_select_related = ("user",)
    fields = ("id", *list_display)
    search_fields = ("id",)
    search_help_text = "The e-mail address or id of a person, or the id of a jar."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words) | rows.filter(user_id=words)
        return rows.filter(user__email_normalized=words.casefold())


@admin.register(JarCookie)
class JarCookieAdmin(ReaderAdmin):
    """Which cookies jars hold. Their values are not here."""

    list_display = ("name", "domain", "path", "jar", "expires_at", "accessed_at")
    list_select_related = ("jar",)
    fields = (
        "id",
        *list_display,
        "host_only",
        "secure",
        "http_only",
        "same_site",
        "partition",
        "created_at",
    )
    search_fields = ("id",)
    search_help_text = "The id of a cookie, a jar or a person, or a domain."

    @override
    def get_queryset(self, request: Any) -> QuerySet[Any]:
        return super().get_queryset(request).defer("value_sealed")

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            found = rows.filter(pk=words) | rows.filter(jar_id=words)
            return found | rows.filter(user_id=words)
        return rows.filter(domain=words.lower())
