"""What could not be told: looked at by people, then sent again or let go."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet

from core import audit, clock, db, errors
from core.models import WebhookDelivery
from core.models.webhooks import DEAD, DISCARDED, DUE
from core.principals import Principal
from core.webhooks.errors import DeadLetterNotFound

VIEW = "core.view_webhookdelivery"
CHANGE = "core.change_webhookdelivery"


def dead_letters(*, actor: Principal) -> QuerySet[WebhookDelivery]:
    """Return the dead-letter list.

    Raises:
        PermissionRefused: ``actor`` may not see it.
    """
    if not actor.may(VIEW):
        raise errors.PermissionRefused("The dead-letter list takes a permission.")
    return WebhookDelivery.objects.filter(state=DEAD)


def replay_dead_letter(*, delivery_id: uuid.UUID, actor: Principal, reason: str) -> None:
    """Send it again, by itself and under the same event id; its tries are counted anew.

    Raises:
        PermissionRefused: ``actor`` may not.
        DeadLetterNotFound: it is not on the list (any more).
    """
    _move(
        delivery_id,
        actor,
        "dead_letter.replay",
        reason,
        state=DUE,
        attempts=0,
        batch_id=None,
        next_attempt_at=clock.now(),
    )


def discard_dead_letter(*, delivery_id: uuid.UUID, actor: Principal, reason: str) -> None:
    """Take it off the list; it stays in the delivery log.

    Raises:
        PermissionRefused: ``actor`` may not.
        DeadLetterNotFound: it is not on the list (any more).
    """
    _move(delivery_id, actor, "dead_letter.discard", reason, state=DISCARDED)


def _move(
    delivery_id: uuid.UUID, actor: Principal, action: str, reason: str, **changes: Any
) -> None:
    if not actor.may(CHANGE):
        raise errors.PermissionRefused("The dead-letter list takes a permission.")

    def move() -> None:
        row = WebhookDelivery.objects.filter(pk=delivery_id).first()
        moved = row and WebhookDelivery.objects.filter(
            pk=row.pk, user_id=row.user_id, state=DEAD
        ).update(**changes)
        if not row or not moved:
            raise DeadLetterNotFound("There is no such dead letter.")
        audit.record(
            action=action,
            actor=actor,
            user_id=row.user_id,
            target_type="webhook_delivery",
            target_id=row.pk,
            event_id=str(row.event_id),
            reason=reason,
        )

    db.run_in_transaction(move)
