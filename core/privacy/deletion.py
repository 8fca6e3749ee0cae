"""Deletion on one's own request: asked for, thought over, done by the worker."""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db import IntegrityError, models, transaction

from core import audit, clock, db, hooks, ids, step_up
from core.models import DeletionRequest
from core.principals import SYSTEM, Principal
from core.privacy import holds
from core.privacy.erasure import erase_user
from core.privacy.errors import DeletionAsked, DeletionNotAsked

log = structlog.get_logger(__name__)


def ask_for_deletion(*, actor: Principal) -> DeletionRequest:
    """Have the caller's account deleted once the time to think it over has passed.

    They can use it, and take the request back, until then. Commits or joins.

    Raises:
        StepUpRequired: the login is not fresh.
        ScopeMissing: the caller is a key.
        DeletionAsked: it was asked for already.
    """
    step_up.require_fresh_login(actor)
    now = clock.now()

    def ask() -> DeletionRequest:
        row = DeletionRequest(
            id=ids.uuid7(),
            user_id=actor.user_id,
            asked_at=now,
            due_at=now + dt.timedelta(days=settings.ENV.deletion_grace_days),
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as exc:
            if db.violated_constraint(exc) != "deletion_request_one_open":
                raise
            raise DeletionAsked("Take the request back first.") from exc
        _record("deletion_ask", row, actor)
        due_on = f"{row.due_at:%d %B %Y}"
        hooks.fire(hooks.TELL_PERSON, user_id=row.user_id, template="deletion_asked", due_on=due_on)
        return row

    return db.run_in_transaction(ask)


def open_request(*, actor: Principal) -> DeletionRequest:
    """Return the caller's open request.

    Raises:
        DeletionNotAsked: there is none.
    """
    row = _open().filter(user_id=actor.user_id).first()
    if row is None:
        raise DeletionNotAsked("You have not asked for deletion.")
    return row


def cancel_deletion(*, actor: Principal) -> None:
    """Take the caller's request back. Commits or joins.

    Raises:
        StepUpRequired: the login is not fresh.
        ScopeMissing: the caller is a key.
        DeletionNotAsked: there is none, or it is done.
    """
    step_up.require_fresh_login(actor)

    def cancel() -> None:
        row = open_request(actor=actor)
        if not _open().filter(pk=row.pk).update(cancelled_at=clock.now()):
            raise DeletionNotAsked("You have not asked for deletion.")
        _record("deletion_cancel", row, actor)
        hooks.fire(hooks.TELL_PERSON, user_id=row.user_id, template="deletion_cancelled")

    db.run_in_transaction(cancel)


def erase_due() -> int:
    """Erase everybody whose time to think it over has passed; return how many that were.

    Each is a transaction of its own. Who is under a legal hold waits for its end.
    """
    due = _open().filter(due_at__lte=clock.now())
    erased = 0
    for row in due.exclude(user_id__in=holds.held().values("user_id")).order_by("due_at"):
        erase_user(user_id=row.user_id, reason="asked by the person", actor=SYSTEM)
        erased += 1
    if erased:
        log.info("people_erased", count=erased)
    return erased


def _open() -> models.QuerySet[DeletionRequest]:
    return DeletionRequest.objects.filter(cancelled_at=None, erased_at=None)


def _record(word: str, row: DeletionRequest, actor: Principal) -> None:
    audit.record(
        action=f"account.{word}",
        actor=actor,
        user_id=row.user_id,
        target_type="user",
        target_id=row.user_id,
    )
