"""A person's own audit trail."""

from __future__ import annotations

from core.models import AuditEvent
from core.pagination import Page, PageRequest
from core.principals import HOUSE_USER_ID, Principal


def own_trail(*, actor: Principal, asked: PageRequest) -> Page[AuditEvent]:
    """Return a page of what was done to the caller's account, newest first."""
    rows = AuditEvent.objects.filter(user_id=actor.user_id)
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def done_by(row: AuditEvent) -> str:
    """Return who did it, as its person may know: ``me``, ``staff`` or ``system``."""
    if row.impersonator_id is not None:
        return "staff"
    if row.actor_id == row.user_id:
        return "me"
    return "system" if row.actor_id == HOUSE_USER_ID else "staff"
