"""Hand out events to endpoints, and send what is due: at least once, each event under one id.

Handing out moves a remembered position over the final events and writes the deliveries in the
same transaction: no event is skipped, none is handed out twice. Sending claims first, calls
outside any transaction, then notes the outcome; a worker that dies in between leaves a claim that
runs out, and the event goes out again with the same id.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import uuid
from collections.abc import Sequence
from typing import Any, Final

import orjson
import structlog
from django.db import transaction
from django.db.models import F, Q

from core import clock, ids, metrics, outbound, outbox, tracing
from core.commit_order import Position
from core.models import OutboxEvent, WebhookDelivery, WebhookEndpoint, WebhookRelay
from core.models.webhooks import DEAD, DELIVERED, DUE
from core.redaction import redacted
from core.runtime_settings import Setting, declare
from core.webhooks import endpoints, signing

EVENTS_AT_ONCE: Final = 500
# Seconds before the second, third ... try; each is spread by a fifth so that a herd scatters. The
# last one counts for all that follow.
WAITS_S: Final = (5, 30, 120, 600)
SPREAD: Final = 0.2
CLAIM_S: Final = 60
CALLS_AT_ONCE: Final = 100
GONE: Final = 410
OK_MIN: Final = 200
OK_MAX: Final = 299

ATTEMPTS_MAX: Final = declare(
    Setting(
        name="webhook_attempts_max",
        default=5,
        minimum=1,
        maximum=20,
        about="Tries before an event goes to the dead-letter list.",
    )
)
FLOW: Final = declare(
    Setting(
        name="webhooks_flow",
        default=True,
        about="Whether webhooks are sent. What happens meanwhile is kept and sent later.",
    )
)

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call; ``is_final`` means trying again would not help."""

    status: int | None = None
    fault: str = ""
    retry_after_s: int | None = None
    is_final: bool = False
    is_counted: bool = True


def hand_out() -> int:
    """Write a delivery for each final event and each endpoint that wants it; return how many.

    Two workers do not hand out at once: the second finds the row locked and leaves.
    """
    made = 0
    while True:
        with transaction.atomic():
            relay = WebhookRelay.objects.select_for_update(skip_locked=True).first()
            if relay is None:
                return made
            after = Position(relay.epoch, relay.xid, relay.event_id)
            found = outbox.final_events(after=after, limit=EVENTS_AT_ONCE)
            if not found:
                return made
            made += _write_deliveries([event for _, event in found])
            last = found[-1][0]
            WebhookRelay.objects.filter(pk=relay.pk).update(
                epoch=last.epoch, xid=last.xid, event_id=last.id
            )


def endpoints_with_due_deliveries() -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return ``(endpoint id, owner id)`` of every endpoint that has something to be sent now.

    None while staff hold webhooks back.
    """
    if not FLOW.value:
        return []
    rows = WebhookDelivery.objects.filter(state=DUE, next_attempt_at__lte=clock.now())
    return list(rows.order_by().values_list("endpoint_id", "user_id").distinct())


def send_due(*, endpoint_id: uuid.UUID, user_id: uuid.UUID) -> int:
    """Send what is due to one endpoint; return how many calls were made.

    One sender at a time for each endpoint, for at most ``CALLS_AT_ONCE`` calls, so that one that
    is slow or far behind holds up nobody else.
    """
    calls = 0
    while endpoint := _leased(endpoint_id, user_id, is_first=calls == 0):
        claimed = _claim(endpoint)
        outcome = _send(endpoint, claimed) if claimed else None
        if outcome is not None:
            _note(endpoint, claimed, outcome)
            calls += 1
        if outcome is None or outcome.fault or calls == CALLS_AT_ONCE:
            _release(endpoint)
            break
    return calls


def _leased(
    endpoint_id: uuid.UUID, user_id: uuid.UUID, *, is_first: bool
) -> WebhookEndpoint | None:
    """Take, or prolong, the right to call an endpoint; ``None`` when it is off, gone or busy."""
    now = clock.now()
    rows = WebhookEndpoint.objects.filter(pk=endpoint_id, user_id=user_id, is_enabled=True)
    if is_first:
        rows = rows.filter(Q(busy_until=None) | Q(busy_until__lte=now))
    if not rows.update(busy_until=now + dt.timedelta(seconds=CLAIM_S)):
        return None
    return rows.model.objects.filter(pk=endpoint_id, user_id=user_id).first()


def _release(endpoint: WebhookEndpoint) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk, user_id=endpoint.user_id).update(busy_until=None)


def wanted(topic: str, patterns: Sequence[str]) -> bool:
    """Return whether one of ``patterns`` is ``topic``, ``*`` or a prefix such as ``session.*``."""
    return any(
        topic == pattern or (pattern.endswith("*") and topic.startswith(pattern[:-1]))
        for pattern in patterns
    )


def envelope(event: OutboxEvent) -> dict[str, Any]:
    """Return what a receiver gets of ``event``."""
    return {
        "id": str(event.pk),
        "type": event.topic,
        "timestamp": clock.as_rfc3339(event.recorded_at),
        "data": {
            "object_id": str(event.object_id),
            "user_id": str(event.user_id),
            **(event.payload or {}),
        },
    }


def _write_deliveries(events: Sequence[OutboxEvent]) -> int:
    listening = list(WebhookEndpoint.objects.filter(is_enabled=True))
    now = clock.now()
    deliveries = [
        WebhookDelivery(
            id=ids.uuid7(),
            user_id=endpoint.user_id,
            endpoint_id=endpoint.pk,
            event_id=event.pk,
            topic=event.topic,
            next_attempt_at=now,
            created_at=now,
        )
        for event in events
        for endpoint in listening
        if (endpoint.sees_all or event.user_id == endpoint.user_id)
        and event.recorded_at >= endpoint.created_at
        and wanted(event.topic, endpoint.topics)
    ]
    WebhookDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    return len(deliveries)


def _claim(endpoint: WebhookEndpoint) -> list[WebhookDelivery]:
    """Take the next call's deliveries: one batch that went out before, or a new one."""
    now = clock.now()
    with transaction.atomic():
        due = WebhookDelivery.objects.filter(
            endpoint_id=endpoint.pk, user_id=endpoint.user_id, state=DUE, next_attempt_at__lte=now
        ).select_for_update(skip_locked=True)
        first = due.order_by("next_attempt_at", "id").first()
        if first is None:
            return []
        if first.batch_id is not None:
            claimed = list(due.filter(batch_id=first.batch_id).order_by("id"))
        elif endpoint.batch_size == 1:
            claimed = [first]
        else:
            claimed = list(due.filter(batch_id=None).order_by("id")[: endpoint.batch_size])
        batch_id = first.batch_id or (first.pk if endpoint.batch_size > 1 else None)
        WebhookDelivery.objects.filter(
            pk__in=[row.pk for row in claimed], user_id=endpoint.user_id
        ).update(
            next_attempt_at=now + dt.timedelta(seconds=CLAIM_S),
            attempts=F("attempts") + 1,
            batch_id=batch_id,
        )
    for row in claimed:
        row.attempts += 1
        row.batch_id = batch_id
    return claimed


def _send(endpoint: WebhookEndpoint, claimed: Sequence[WebhookDelivery]) -> Outcome:
    body, message_id, parent = _message(claimed)
    try:
        with tracing.span("webhook", kind="producer", parent=parent):
            answer = outbound.call(
                "POST",
                endpoint.url,
                purpose="webhook",
                body=body,
                headers=signing.headers_for(endpoint, message_id=message_id, body=body),
            )
    except outbound.CallRefused as exc:
        return Outcome(fault=exc.reason, is_final=True)
    except outbound.DestinationRests as exc:
        return Outcome(fault=exc.reason, retry_after_s=exc.retry_after_s, is_counted=False)
    except outbound.CallFailed as exc:
        return Outcome(fault=exc.reason, retry_after_s=exc.retry_after_s)
    if OK_MIN <= answer.status <= OK_MAX:
        return Outcome(status=answer.status)
    return Outcome(
        status=answer.status,
        fault=f"It answered {answer.status}.",
        retry_after_s=answer.retry_after_s,
        is_final=answer.status == GONE,
    )


def _message(claimed: Sequence[WebhookDelivery]) -> tuple[bytes, str, str]:
    """Return body, id and trace; the id of an event is its own, that of a batch the batch's."""
    events = OutboxEvent.objects.in_bulk([row.event_id for row in claimed])
    envelopes = [envelope(events[row.event_id]) for row in claimed if row.event_id in events]
    batch_id = claimed[0].batch_id
    parent = next((event.traceparent for event in events.values()), "")
    if batch_id is None:
        return orjson.dumps(envelopes[0]), str(claimed[0].event_id), parent
    batch = {"type": "batch", "timestamp": clock.as_rfc3339(clock.now()), "data": envelopes}
    return orjson.dumps(batch), f"batch-{batch_id}", parent


def _note(endpoint: WebhookEndpoint, claimed: Sequence[WebhookDelivery], outcome: Outcome) -> None:
    now = clock.now()
    with transaction.atomic():
        for row in claimed:
            row.attempts_log = [
                *row.attempts_log,
                {"at": clock.as_rfc3339(now), "status": outcome.status, "fault": outcome.fault},
            ]
            _settle(row, outcome, now)
        WebhookDelivery.objects.bulk_update(
            claimed,
            [
                *("state", "attempts", "attempts_log", "delivered_at", "next_attempt_at"),
                *("first_failed_at", "last_failed_at", "last_fault", "payload_redacted"),
            ],
        )
        if outcome.status == GONE:
            endpoints.disable_gone(endpoint)
    result = "delivered" if not outcome.fault else claimed[0].state
    metrics.WEBHOOK_DELIVERIES.labels(outcome=result).inc(len(claimed))
    log.info(
        "webhook_sent" if not outcome.fault else "webhook_failed",
        endpoint_id=str(endpoint.pk),
        events=len(claimed),
        attempt=claimed[0].attempts,
        status=outcome.status,
        fault=outcome.fault or None,
    )


def _settle(row: WebhookDelivery, outcome: Outcome, now: dt.datetime) -> None:
    """Set what ``outcome`` makes of ``row``: delivered, due again later, or dead."""
    if not outcome.fault:
        row.state, row.delivered_at = DELIVERED, now
        return
    row.first_failed_at = row.first_failed_at or now
    row.last_failed_at, row.last_fault = now, outcome.fault
    if not outcome.is_counted:
        row.attempts -= 1
    if outcome.is_final or row.attempts >= ATTEMPTS_MAX.value:
        row.state = DEAD
        event = OutboxEvent.objects.filter(pk=row.event_id).first()
        row.payload_redacted = redacted(envelope(event)) if event else None
        return
    wait_s = WAITS_S[min(max(0, row.attempts - 1), len(WAITS_S) - 1)]
    # Not a secret: it only has to differ between deliveries.
    spread_s = wait_s * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311
    row.next_attempt_at = now + dt.timedelta(seconds=max(spread_s, outcome.retry_after_s or 0))
