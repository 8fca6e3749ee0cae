"""How staff see what people report, and answer it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from typing_extensions import override

from core.admin.reader import ReaderAdmin
from core.confirmation import press
from core.feedback import reports
from core.fields import UUID_TEXT
from core.models import Report
from core.models.feedback import DONE, LOOKING
from core.principals import of_staff


@admin.register(Report)
class ReportAdmin(ReaderAdmin):
    """What people tell us, and errors that their programs met; new ones first to be looked at."""

    list_display = ("created_at", "kind", "state", "begins", "the_request", "user_id")
    list_filter = ("state", "kind")
    fields = (
        *("id", "created_at", "user_id", "kind", "message", "context", "the_request"),
        *("state", "answer", "changed_at"),
    )
    readonly_fields = ("the_request",)
    search_fields = ("id",)
    search_help_text = "The id of a report, a sender or a request."
    actions = ("look", "finish")

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        about = rows.filter(about_request=words)
        if not UUID_TEXT.match(words):
            return about
        return about | rows.filter(pk=words) | rows.filter(user_id=words)

    @admin.display(description="What")
    def begins(self, row: Report) -> str:
        """Return how the message begins."""
        return row.message[:80]

    @admin.display(description="Request")
    def the_request(self, row: Report) -> str:
        """Return a link to what the request that it is about has done."""
        if not row.about_request:
            return ""
        trail = reverse("admin:core_auditevent_changelist")
        return format_html('<a href="{}?q={}">{}</a>', trail, row.about_request, row.about_request)

    @admin.action(description="Look into it", permissions=["act"])
    def look(self, request: HttpRequest, queryset: QuerySet[Report]) -> Any:
        """Tell the senders that somebody looks into it."""
        return self._move(request, queryset, LOOKING, title="Look into it")

    @admin.action(description="Done", permissions=["act"])
    def finish(self, request: HttpRequest, queryset: QuerySet[Report]) -> Any:
        """Tell the senders what became of it."""
        return self._move(request, queryset, DONE, title="Done")

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons are there."""
        return request.user.has_perm(reports.CHANGE)

    def _move(self, request: HttpRequest, rows: QuerySet[Report], state: str, *, title: str) -> Any:
        return press(
            self,
            request,
            rows,
            lambda row, reason: reports.move_report(
                report_id=row.pk, state=state, answer=reason, actor=of_staff(request.user)
            ),
            title=title,
            question="The senders of these reports read what you write:",
            done="was answered",
        )
