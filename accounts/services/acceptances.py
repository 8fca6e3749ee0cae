"""Notices published, and people agreeing to them: to the words they were shown, for good."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection

from accounts import selectors
from accounts.models import Notice, NoticeAcceptance
from core import audit, client_address, clock, context, db, ids
from core.principals import Principal


def publish_notice(*, kind: str, text: str, actor: Principal) -> Notice:
    """Put a new wording in force; everybody is asked to agree again.

    Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: ``actor`` may not.
    """
    actor.require("accounts.add_notice")

    def publish() -> Notice:
        _one_at_a_time()
        newest = Notice.objects.filter(kind=kind).first()
        notice = Notice.objects.create(
            kind=kind,
            version=newest.version + 1 if newest else 1,
            text=text,
            published_by_id=actor.user_id,
            published_at=clock.now(),
        )
        audit.record(
            action="notice.publish",
            actor=actor,
            user_id=actor.user_id,
            target_type="notice",
            target_id=notice.pk,
            kind=kind,
            version=notice.version,
        )
        return notice

    return db.run_in_transaction(publish)


def accept_notices(*, versions: Iterable[tuple[str, int]], actor: Principal) -> None:
    """Write down that the caller agrees to these versions; once is enough, and for good.

    Commits its own transaction or joins the caller's.

    Raises:
        NoticeChanged: one of them is not in force; nothing was written down.
    """

    def accept() -> None:
        for notice in selectors.notices_in_force(versions):
            _accept(
                notice.pk,
                user_id=actor.user_id,
                actor=actor,
                at_registration=False,
                accepted_at=clock.now(),
                client_network=_network_of_caller(),
            )

    db.run_in_transaction(accept)


def said_by_stranger(versions: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """Return what to remember of a registration until there is a person, as JSON.

    Raises:
        NoticeChanged: one of them is not in force.
    """
    return {
        "notices": [str(notice.pk) for notice in selectors.notices_in_force(versions)],
        "at": clock.as_rfc3339(clock.now()),
        "network": _network_of_caller(),
    }


def accept_as_said(said: dict[str, Any], *, user_id: uuid.UUID) -> None:
    """Write down what somebody agreed to when they registered; joins the caller's transaction."""
    for notice_id in said["notices"]:
        _accept(
            uuid.UUID(notice_id),
            user_id=user_id,
            actor=Principal(kind="user", user_id=user_id),
            at_registration=True,
            accepted_at=dt.datetime.fromisoformat(said["at"]),
            client_network=said["network"],
        )


def _accept(notice_id: uuid.UUID, *, user_id: uuid.UUID, actor: Principal, **facts: Any) -> None:
    row = NoticeAcceptance(id=ids.uuid7(), user_id=user_id, notice_id=notice_id, **facts)
    NoticeAcceptance.objects.bulk_create([row], ignore_conflicts=True)
    # Who sends the form twice agreed the first time.
    if NoticeAcceptance.objects.filter(pk=row.pk).exists():
        audit.record(
            action="notice.accept",
            actor=actor,
            user_id=user_id,
            target_type="notice",
            target_id=notice_id,
        )


def _network_of_caller() -> str:
    return client_address.network(context.current().client_address)


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('notice', 0))")
