"""Forgetting sessions that ended long ago, a few at a time."""

from __future__ import annotations

import datetime as dt
import functools

from django.conf import settings

from core import clock, db
from core.privacy import holds
from sessions_app import constants
from sessions_app.models import RefreshFamily, Session
from sessions_app.querysets import SessionQuerySet


def prune_sessions() -> int:
    """Delete sessions, with their refresh families, that ended ``SESSION_RETENTION_DAYS`` ago.

    Each chunk of 1,000 is a transaction of its own, so no lock is held for long. What others work
    on is left for the next time; a legal hold keeps its person's. Returns how many sessions went.
    """
    before = clock.now() - dt.timedelta(days=settings.ENV.session_retention_days)
    pruned = 0
    for moment in ("expires_at", "revoked_at"):
        over = Session.objects.filter(**{f"{moment}__lt": before}).order_by(moment)
        over = over.exclude(user_id__in=holds.held().values("user_id"))
        while gone := db.run_in_transaction(functools.partial(_prune_chunk, over)):
            pruned += gone
    return pruned


def _prune_chunk(over: SessionQuerySet) -> int:
    rows = over.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    chunk = list(rows[: constants.PRUNED_AT_ONCE])
    RefreshFamily.objects.filter(session_id__in=chunk).delete()
    deleted, _ = Session.objects.filter(pk__in=chunk).delete()
    return deleted
