"""Ending sessions: one, the one that asks, the others, all."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from core import clock, db
from core.principals import Principal
from sessions_app import session_cache
from sessions_app.errors import SessionNotFound
from sessions_app.models import Cookie, RefreshFamily, Session
from sessions_app.services.records import tell_each

BATCH: Final = 1_000


def end_session(*, session_id: uuid.UUID, actor: Principal, reason: str = "logout") -> None:
    """End a session now, for every worker. Ending an ended one changes nothing.

    Commits its own transaction or joins the caller's.

    Raises:
        SessionNotFound: no such session, or not one ``actor`` may end.
    """

    def end() -> None:
        session = Session.objects.visible_to(actor).filter(pk=session_id).first()
        if session is None:
            raise SessionNotFound("There is no such session.")
        end_these([session], actor=actor, reason=reason)

    db.run_in_transaction(end)


def end_current_session(*, actor: Principal) -> None:
    """End the session that asks.

    Raises:
        SessionNotFound: the caller came without one.
    """
    if actor.session_id is None:
        raise SessionNotFound("There is no session to end.")
    end_session(session_id=actor.session_id, actor=actor)


def end_other_sessions(*, actor: Principal) -> int:
    """End all of the caller's sessions but the one that asks; return how many ended.

    Commits its own transaction or joins the caller's.
    """
    return db.run_in_transaction(
        lambda: end_sessions_of(
            user_id=actor.user_id,
            actor=actor,
            reason="ended_elsewhere",
            kept_session_id=actor.session_id,
        )
    )


def end_all_sessions(*, actor: Principal) -> int:
    """End all of the caller's sessions, the one that asks too; return how many ended.

    Commits its own transaction or joins the caller's.
    """
    return db.run_in_transaction(
        lambda: end_sessions_of(user_id=actor.user_id, actor=actor, reason="ended_everywhere")
    )


def end_sessions_of(
    *,
    user_id: uuid.UUID,
    actor: Principal,
    reason: str,
    kept_session_id: uuid.UUID | None = None,
) -> int:
    """End a person's sessions, all or all but one; return how many ended.

    The kept one goes over to the person's current epoch. Joins the caller's transaction.
    """
    live = Session.objects.of_user(user_id).live(clock.now())
    ending = live
    if kept_session_id is not None:
        epoch = User.objects.filter(pk=user_id).values("session_epoch")
        live.filter(pk=kept_session_id).update(epoch=epoch)
        ending = live.exclude(pk=kept_session_id)
    forget_cached_sessions(user_id=user_id)
    return end_these(list(ending), actor=actor, reason=reason)


def end_everything() -> None:
    """End every session, refresh family and issued cookie: the database is an older one again.

    Joins the caller's transaction; whoever is remembered in a cache is of an older epoch.
    """
    now = clock.now()
    RefreshFamily.objects.filter(revoked_at=None).update(revoked_at=now)
    for rows in (Session.objects, Cookie.objects):
        rows.filter(revoked_at=None).update(revoked_at=now, revoke_reason="database_restored")


def end_these(sessions: Iterable[Session], *, actor: Principal, reason: str) -> int:
    """End each of ``sessions`` that is not ended yet; return how many ended.

    Joins the caller's transaction. Takes locks as refreshing does, family before session, and by
    id, so that two who end the same sessions wait for each other; a few statements for each
    thousand.
    """
    in_order = sorted(sessions, key=lambda session: session.pk)
    ended = sum(
        _end_batch(in_order[start : start + BATCH], actor=actor, reason=reason)
        for start in range(0, len(in_order), BATCH)
    )
    for user_id in {session.user_id for session in in_order}:
        if user_id is not None:
            forget_cached_sessions(user_id=user_id)
    return ended


def _end_batch(sessions: list[Session], *, actor: Principal, reason: str) -> int:
    now = clock.now()
    owners = {session.user_id for session in sessions if session.user_id is not None}
    named = [session.pk for session in sessions]
    families = RefreshFamily.objects.filter(
        session_id__in=named, user_id__in=owners, revoked_at=None
    )
    locked_ids = list(families.order_by("pk").select_for_update().values_list("pk", flat=True))
    RefreshFamily.objects.filter(pk__in=locked_ids, user_id__in=owners).update(revoked_at=now)
    live = Session.objects.filter(pk__in=named, user_id__in=owners, revoked_at=None)
    ending = list(live.order_by("pk").select_for_update().only("user_id"))
    ended_ids = [session.pk for session in ending]
    Session.objects.filter(pk__in=ended_ids, user_id__in=owners).update(
        revoked_at=now, revoke_reason=reason
    )
    begun = Session.objects.filter(
        impersonator_id__in=owners, impersonator_session_id__in=ended_ids, revoked_at=None
    )
    begun_from_them = list(begun)
    if begun_from_them:
        end_these(begun_from_them, actor=actor, reason="impersonator_out")
    tell_each(
        ending,
        action="session.end",
        topic="session.ended",
        actor=actor,
        data={"reason": reason},
    )
    return len(ending)


def forget_cached_sessions(*, user_id: uuid.UUID, **_facts: Any) -> None:
    """Make the next request of this person be checked against the database; acts at commit."""
    transaction.on_commit(lambda: session_cache.forget_user(user_id))
