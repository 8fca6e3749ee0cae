"""How staff say how much anybody may ask."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from typing_extensions import override

from core import limits
from core.admin.reader import CappedPaginator
from core.models import LimitPlan
from core.principals import of_staff


@admin.register(LimitPlan)
class LimitPlanAdmin(admin.ModelAdmin):
    """Limits that differ from the defaults; what is saved holds from the next request on."""

    list_display = ("scope", "requests", "window_s", "changed_at")
    fields = ("scope", "requests", "window_s")
    paginator = CappedPaginator
    show_full_result_count = False

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("scope",) if obj else ()

    @override
    def save_model(
        self,
        request: HttpRequest,
        obj: LimitPlan,
        form: ModelForm,
        change: bool,
    ) -> None:
        limits.set_plan(
            scope=obj.scope,
            requests=obj.requests,
            window_s=obj.window_s,
            actor=of_staff(request.user),
        )

    @override
    def delete_model(self, request: HttpRequest, obj: LimitPlan) -> None:
        limits.remove_plan(scope=obj.scope, actor=of_staff(request.user))

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for plan in queryset:
            self.delete_model(request, plan)
