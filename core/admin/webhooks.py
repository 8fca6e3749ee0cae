"""How staff look after webhooks and dead letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from core.admin.reader import ReaderAdmin
from core.confirmation import given_reason
from core.fields import UUID_TEXT
from core.models import WebhookDelivery, WebhookEndpoint
from core.models.webhooks import DEAD
from core.principals import of_staff
from core.webhooks import dead_letters, endpoints


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReaderAdmin):
    """Addresses that hear of events. Their secrets are not here."""

    list_display = ("url", "user_id", "sees_all", "is_enabled", "disabled_reason", "created_at")
    list_filter = ("is_enabled", "sees_all")
    fields = (
        "id",
        *list_display,
        "description",
        "topics",
        "batch_size",
        "previous_until",
    )
    search_fields = ("url",)
    search_help_text = "A part of the address, or the id of the endpoint or of its owner."
    actions = ("enable", "disable")

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if UUID_TEXT.match(words):
            return rows.filter(pk=words) | rows.filter(user_id=words)
        return rows.filter(url__icontains=words)

    @admin.action(description="Call it again", permissions=["act"])
    def enable(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Enable the chosen endpoints."""
        self._switch(request, queryset, is_enabled=True)

    @admin.action(description="Stop calling it", permissions=["act"])
    def disable(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Disable the chosen endpoints."""
        self._switch(request, queryset, is_enabled=False)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons are there."""
        return request.user.has_perm("core.change_webhookendpoint")

    def _switch(
        self, request: HttpRequest, rows: QuerySet[WebhookEndpoint], *, is_enabled: bool
    ) -> None:
        for row in rows:
            endpoints.update_endpoint(
                endpoint_id=row.pk,
                version=row.version,
                actor=of_staff(request.user),
                is_enabled=is_enabled,
            )
        self.message_user(request, f"{len(rows)} endpoints were changed.")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReaderAdmin):
    """What was sent where, and the dead-letter list: filter by state ``dead``."""

    list_display = (
        "topic",
        "state",
        "attempts",
        "last_fault",
        "next_attempt_at",
        "delivered_at",
        "endpoint_id",
        "event_id",
    )
    list_filter = ("state",)
    fields = ("id", *list_display, "first_failed_at", "last_failed_at", "tries", "payload")
    readonly_fields = ("tries", "payload")
    search_fields = ("event_id",)
    search_help_text = "The id of an event, an endpoint or a delivery."
    actions = ("replay", "discard")

    @override
    def found_by(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        if not UUID_TEXT.match(words):
            return rows.none()
        return rows.filter(pk=words) | rows.filter(event_id=words) | rows.filter(endpoint_id=words)

    @admin.display(description="Tries")
    def tries(self, row: WebhookDelivery) -> str:
        """Return one line for each try."""
        return "\n".join(
            f"{one['at']}  {one['status'] or 'no answer'}  {one['fault'] or 'delivered'}"
            for one in row.attempts_log
        )

    @admin.display(description="What was sent, secrets hidden")
    def payload(self, row: WebhookDelivery) -> str:
        """Return the redacted payload, readable."""
        return json.dumps(row.payload_redacted, indent=2) if row.payload_redacted else ""

    @admin.action(description="Send again", permissions=["act"])
    def replay(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> Any:
        """Replay the chosen dead letters."""
        return self._act(
            request,
            queryset,
            dead_letters.replay_dead_letter,
            title="Send again",
            question="These events are sent again, each under its own id:",
        )

    @admin.action(description="Discard", permissions=["act"])
    def discard(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> Any:
        """Discard the chosen dead letters."""
        return self._act(
            request,
            queryset,
            dead_letters.discard_dead_letter,
            title="Discard",
            question="These events will never reach their endpoint:",
        )

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Return whether the buttons are there."""
        return request.user.has_perm(dead_letters.CHANGE)

    def _act(
        self,
        request: HttpRequest,
        rows: QuerySet[WebhookDelivery],
        verb: Callable[..., None],
        *,
        title: str,
        question: str,
    ) -> Any:
        dead = rows.filter(state=DEAD)
        given = given_reason(self, request, dead, title=title, question=question)
        if not isinstance(given, dict):
            return given
        actor = of_staff(request.user)
        for row in dead:
            verb(delivery_id=row.pk, actor=actor, reason=given["reason"])
        self.message_user(request, f"Done: {title.lower()}.")
        return None
