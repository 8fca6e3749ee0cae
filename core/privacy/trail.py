"""A person's own audit trail."""

from __future__ import annotations

from core.models import AuditEvent
from core.pagination import Page, PageRequest, page_by_id
from core.principals import HOUSE_USER_ID, Principal


def own_trail(*, actor: Principal, asked: PageRequest) -> Page[AuditEvent]:
    """Return a page of what was done to the caller's account, newest first."""
    return page_by_id(AuditEvent.objects.filter(user_id=actor.user_id), asked)


def done_by(row: AuditEvent) -> str:
    """Return who did it, as its person may know: ``me``, ``staff`` or ``system``."""
    if row.impersonator_id is not None:
        return "staff"
    if row.actor_id == row.user_id:
        return "me"
    return "system" if row.actor_id == HOUSE_USER_ID else "staff"
