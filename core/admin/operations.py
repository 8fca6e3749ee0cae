"""The page for whoever is on call: how the service is doing, and the buttons that help."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from typing_extensions import override

from core.admin.reader import ReaderAdmin
from core.models import CircuitBreaker, Measurement, WebhookDelivery
from core.models.webhooks import DEAD
from core.operations import charts, summary, tiles
from core.principals import of_staff


@admin.register(Measurement)
class MeasurementAdmin(ReaderAdmin):
    """Numbers that jobs found out last, and the page that shows everything together."""

    list_display = ("name", "value", "detail", "measured_at")
    search_fields = ("name",)
    search_help_text = "A part of the name."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(name__icontains=words)

    @override
    def get_urls(self) -> list[URLPattern]:
        page = path(
            "operations/", self.admin_site.admin_view(self.operations), name="core_operations"
        )
        return [page, *super().get_urls()]

    def operations(self, request: HttpRequest) -> HttpResponse:
        """Show health, rates, slow routes, queues and states of the last hour or day.

        Its buttons go to the lists of the rows they are about, which ask why and do the deed.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        name = request.GET.get("window", "hour")
        if name not in summary.WINDOWS:
            raise Http404
        found = summary.summarize(window=summary.WINDOWS[name], actor=of_staff(request.user))
        may_see_dead = request.user.has_perm("core.view_webhookdelivery")
        dead = WebhookDelivery.objects.filter(state=DEAD)[: summary.ROWS_MAX]
        context = {
            **self.admin_site.each_context(request),
            "title": "Operations",
            "found": found,
            "tiles": tiles.tiles(found),
            "windows": list(summary.WINDOWS),
            "requests_chart": charts.requests_chart(found["steps"]),
            "latency_chart": charts.latency_chart(found["steps"]),
            "dead_letters": dead if may_see_dead else [],
            "may_change_dead": request.user.has_perm("core.change_webhookdelivery"),
            "resting": CircuitBreaker.objects.exclude(open_until=None)[: summary.ROWS_MAX],
            "may_change_breakers": request.user.has_perm("core.change_circuitbreaker"),
        }
        return TemplateResponse(request, "admin/core/operations.html", context)
