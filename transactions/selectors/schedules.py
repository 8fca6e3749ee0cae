"""Reading what is to happen later."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator

from django.db.models import QuerySet

from core.pagination import Page, PageRequest, page_by_id
from core.principals import Principal
from transactions import constants, errors
from transactions.models import Schedule


def get_schedule(*, schedule_id: uuid.UUID, actor: Principal, for_update: bool = False) -> Schedule:
    """Return a scheduled transaction; ``for_update`` locks its row until the transaction ends.

    Raises:
        ScheduleNotFound: none, or not for ``actor`` to see.
    """
    rows = _visible_to(actor).filter(pk=schedule_id)
    schedule = (rows.select_for_update() if for_update else rows).first()
    if schedule is None:
        raise errors.ScheduleNotFound("There is no such scheduled transaction.")
    return schedule


def schedules(*, actor: Principal, asked: PageRequest, status: str | None) -> Page[Schedule]:
    """Return a page of one's own scheduled transactions, newest first; staff see all."""
    rows = _visible_to(actor)
    if status is not None:
        rows = rows.filter(status=status)
    return page_by_id(rows, asked)


def due_schedules(at: dt.datetime) -> Iterator[uuid.UUID]:
    """Return the ids of what is due ``at``, each once, the longest due first."""
    rows = Schedule.objects.filter(status=constants.SCHEDULED, run_at__lte=at)
    rows = rows.order_by("run_at", "id")
    page = list(rows.values_list("run_at", "id")[: constants.SCHEDULES_AT_ONCE])
    while page:
        yield from (schedule_id for _, schedule_id in page)
        run_at, last_id = page[-1]
        later = rows.filter(run_at__gte=run_at).exclude(run_at=run_at, id__lte=last_id)
        page = list(later.values_list("run_at", "id")[: constants.SCHEDULES_AT_ONCE])


def _visible_to(actor: Principal) -> QuerySet[Schedule]:
    if actor.may("transactions.view_schedule"):
        return Schedule.objects.all()
    return Schedule.objects.filter(user_id=actor.user_id)
