"""Reading holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from django.db import connection

from core.pagination import Page, PageRequest
from core.principals import Principal
from transactions import errors
from transactions.models import Hold

# How many holds the admin looks for at most.
IDS_MAX: Final = 500


def get_hold(*, hold_id: uuid.UUID, actor: Principal, for_update: bool = False) -> Hold:
    """Return a hold; ``for_update`` locks its row until the transaction ends.

    Raises:
        HoldNotFound: none, or not for ``actor`` to see.
    """
    rows = Hold.objects.visible_to(actor)
    if for_update:
        rows = rows.select_for_update()
    hold: Hold | None = rows.filter(pk=hold_id).first()
    if hold is None:
        raise errors.HoldNotFound("There is no such hold.")
    return hold


def holds(*, actor: Principal, asked: PageRequest, status: str | None) -> Page[Hold]:
    """Return a page of holds on or for one's own accounts, newest first; staff see all."""
    rows = Hold.objects.all() if status is None else Hold.objects.filter(status=status)
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    order = "id" if asked.backwards else "-id"
    if actor.may("transactions.view_hold"):
        found = rows.order_by(order)[: asked.limit + 1]
    else:
        # Two walks along two indexes, merged: an OR would sort all there ever was.
        given = rows.filter(user_id=actor.user_id).order_by(order)[: asked.limit + 1]
        promised = (
            rows.filter(destination_user_id=actor.user_id)
            .exclude(user_id=actor.user_id)
            .order_by(order)[: asked.limit + 1]
        )
        found = given.union(promised, all=True).order_by(order)[: asked.limit + 1]
    return Page(list(found), asked, key=lambda row: [str(row.pk)])


def newest_hold_ids(account_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return the newest holds on or for any of the accounts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT h.id FROM unnest(%(accounts)s::uuid[]) a, LATERAL ("
            "(SELECT id FROM hold WHERE source_id = a ORDER BY id DESC LIMIT %(limit)s) UNION ALL "
            "(SELECT id FROM hold WHERE destination_id = a ORDER BY id DESC LIMIT %(limit)s)"
            ") h ORDER BY h.id DESC LIMIT %(limit)s",
            {"accounts": list(account_ids), "limit": IDS_MAX},
        )
        return [row[0] for row in cursor.fetchall()]
