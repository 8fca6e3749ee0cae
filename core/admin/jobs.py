"""How staff see background jobs.

The page that comes with procrastinate styles its cells inline, which our policy refuses, shows what
jobs were given, and lets whoever sees it stop them without a trace.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from procrastinate.jobs import Status
from typing_extensions import override

from core.admin.reader import ReaderAdmin
from core.confirmation import press
from core.operations import failed_jobs
from core.principals import of_staff

admin.site.unregister(ProcrastinateJob)


class EventsInline(admin.TabularInline):
    """What happened to a job, and when."""

    model = ProcrastinateEvent
    fields = readonly_fields = ("at", "type")
    extra = 0
    can_delete = False
    verbose_name_plural = "what happened to it"

    @override
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ProcrastinateJob)
class JobAdmin(ReaderAdmin):
    """Work for the worker: filter by status ``failed`` for what nobody tries again by itself."""

    list_display = ("id", "task_name", "status", "queue_name", "attempts", "scheduled_at")
    list_filter = ("status", "queue_name")
    fields = (*list_display, "priority", "lock", "queueing_lock", "abort_requested")
    search_fields = ("task_name",)
    search_help_text = "The number of a job, or a part of the name of its task."
    inlines = (EventsInline,)
    actions = ("retry",)

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if words.isdecimal():
            return rows.filter(pk=words)
        return rows.filter(task_name__icontains=words)

    @admin.action(description="Try again", permissions=["act"])
    def retry(
        self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]
    ) -> HttpResponse | None:
        """Give the chosen failed jobs to the workers again."""
        actor = of_staff(request.user)
        return press(
            self,
            request,
            queryset.filter(status=Status.FAILED.value),
            lambda job, reason: failed_jobs.retry_failed_job(
                job_id=job.pk, reason=reason, actor=actor
            ),
            title="Try again",
            question="These jobs are done again by the next free worker:",
            done="is tried again",
        )

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the button is there."""
        return request.user.has_perm(failed_jobs.CHANGE)
