"""How staff see what people asked of their data, and place legal holds."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.response import TemplateResponse
from typing_extensions import override

from core import confirmation
from core.admin.reader import ReaderAdmin
from core.fields import UUID_TEXT
from core.models import DataExport, DeletionRequest, GoLiveEvidence, LegalHold, PersonalKey
from core.principals import of_staff
from core.privacy import holds


class OfPersonAdmin(ReaderAdmin):
    """Rows that are found by whose they are."""

    search_fields = ("user_id",)
    search_help_text = "The id of a person."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(user_id=words)


@admin.register(DataExport)
class DataExportAdmin(OfPersonAdmin):
    """Copies of their data that people asked for; staff see that, not what is in them."""

    list_display = ("created_at", "user_id", "state", "rows", "size_bytes", "expires_at")


@admin.register(DeletionRequest)
class DeletionRequestAdmin(OfPersonAdmin):
    """Who asked to be deleted, until when they may take it back, and what became of it."""

    list_display = ("asked_at", "user_id", "due_at", "cancelled_at", "erased_at")


@admin.register(PersonalKey)
class PersonalKeyAdmin(OfPersonAdmin):
    """Who has a key of their own: what is sealed about them is lost with it."""

    list_display = ("created_at", "user_id")
    fields = ("id", "user_id", "created_at")


@admin.register(GoLiveEvidence)
class GoLiveEvidenceAdmin(ReaderAdmin):
    """What was checked or vouched for before going live; `manage.py golive` sums it up."""

    list_display = ("recorded_at", "item", "kind", "has_passed", "by", "note", "expires_at")
    search_fields = ("item",)
    search_help_text = "The name of an item."

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(item=words)


class HoldForm(ModelForm):
    """Whose data is kept, and why."""

    @override
    def clean(self) -> dict[str, Any]:
        """Refuse a second hold in words, before the database does."""
        given = super().clean() or {}
        if "user_id" in given and holds.is_held(given["user_id"]):
            self.add_error("user_id", "There is a legal hold already.")
        return given


@admin.register(LegalHold)
class LegalHoldAdmin(OfPersonAdmin):
    """People whose data is kept because a court or an authority wants it."""

    list_display = ("placed_at", "user_id", "reason", "placed_by_id", "ended_at", "ended_by_id")
    form = HoldForm
    fields = ("user_id", "reason")
    actions = ("end",)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(holds.PLACE)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Say who may end a hold."""
        return request.user.has_perm(holds.END)

    @override
    def save_model(
        self, request: HttpRequest, obj: LegalHold, form: ModelForm, change: bool
    ) -> None:
        hold = holds.place_hold(
            user_id=obj.user_id, reason=obj.reason, actor=of_staff(request.user)
        )
        obj.pk = hold.pk

    @admin.action(description="End the hold", permissions=["end"])
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> TemplateResponse | None:
        return confirmation.press(
            self,
            request,
            queryset,
            lambda hold, reason: holds.end_hold(
                hold_id=hold.pk, reason=reason, actor=of_staff(request.user)
            ),
            title="End legal holds",
            question="From then on this data is erased when it is asked for or too old.",
            done="has ended",
        )
