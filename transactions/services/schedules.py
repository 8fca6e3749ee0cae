"""Transactions that are to happen later: schedule, cancel, post what is due."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from core import audit, clock, context, db, ids, outbox
from core.errors import DomainError
from core.principals import Principal
from transactions import constants, errors, selectors
from transactions.models import Schedule
from transactions.services import large
from transactions.services.bulk import planner_for
from transactions.services.posting import Draft, Posting, post_transactions, require_two_accounts


def schedule_transaction(
    *, draft: Draft, ledger_id: uuid.UUID, run_at: dt.datetime, actor: Principal
) -> Schedule:
    """Have ``draft`` posted at ``run_at``, with what the actor may do now.

    The accounts are looked at now and locked then: funds and limits are only judged when it is
    due. Commits its own transaction or joins the caller's.

    Raises:
        ScheduleInPast, ScheduleTooFar: ``run_at`` is not within a year from now.
        SameAccount: a posting from an account to itself.
        LedgerAccountNotFound, AssetMismatch: see :func:`post_transactions`.
        LedgerAccountFrozen, LedgerAccountClosed: an account may not move like this.
        StepUpRequired, ScopeMissing: a large amount without a fresh login.
    """
    now = clock.now()
    if run_at <= now:
        raise errors.ScheduleInPast("It must be later than now.")
    if run_at > now + constants.SCHEDULE_AHEAD_MAX:
        raise errors.ScheduleTooFar(f"At most {constants.SCHEDULE_AHEAD_MAX.days} days ahead.")
    require_two_accounts([draft])
    large.require_fresh_login_for(
        ((posting.asset, posting.amount_minor) for posting in draft.postings), actor=actor
    )
    planner_for([draft], ledger_id, actor, lock=False).require_usable(draft)

    def create() -> Schedule:
        schedule = Schedule.objects.create(
            id=ids.uuid7(),
            user_id=actor.user_id,
            ledger_id=ledger_id,
            draft=_packed(draft),
            run_at=run_at,
            status=constants.SCHEDULED,
            may_take_from_any=actor.may("transactions.post_any_transaction"),
            actor_kind=actor.kind,
            session_id=actor.session_id,
            request_id=context.current().request_id,
            created_at=now,
        )
        _audit("schedule.create", schedule, actor)
        _tell("schedule.created", schedule)
        return schedule

    return db.run_in_transaction(create)


def cancel_schedule(*, schedule_id: uuid.UUID, actor: Principal, reason: str = "") -> Schedule:
    """Keep a scheduled transaction from happening. Commits its own transaction or joins one.

    Raises:
        ScheduleNotFound: none, or not for ``actor`` to see.
        ScheduleClosed: it was posted, failed or cancelled before.
    """

    def cancel() -> None:
        schedule = selectors.get_schedule(schedule_id=schedule_id, actor=actor, for_update=True)
        if schedule.status != constants.SCHEDULED:
            raise errors.ScheduleClosed(
                f"It is {schedule.status}.", schedule_status=schedule.status
            )
        _close(schedule, constants.SCHEDULE_CANCELLED)
        _audit("schedule.cancel", schedule, actor, reason=reason)

    db.run_in_transaction(cancel)
    return selectors.get_schedule(schedule_id=schedule_id, actor=actor)


def post_due() -> int:
    """Post every transaction whose time has come; return how many were dealt with.

    Each in one transaction with its own status, so that a crash leaves both or neither; several
    runners share the work, because each skips what another one has locked.
    """
    count = 0
    while db.run_in_transaction(_post_next):
        count += 1
    return count


def _post_next() -> bool:
    due = Schedule.objects.filter(status=constants.SCHEDULED, run_at__lte=clock.now())
    schedule = due.order_by("run_at").select_for_update(skip_locked=True).first()
    if schedule is None:
        return False
    try:
        (posted,) = post_transactions(
            drafts=[_unpacked(schedule.draft, schedule.run_at)],
            ledger_id=schedule.ledger_id,
            actor=_who_scheduled(schedule),
        )
    except DomainError as refusal:
        _close(schedule, constants.SCHEDULE_FAILED, failure_code=refusal.code)
    else:
        _close(schedule, constants.SCHEDULE_POSTED, transaction_id=posted.id)
    return True


def _who_scheduled(schedule: Schedule) -> Principal:
    permissions = {"transactions.post_any_transaction"} if schedule.may_take_from_any else ()
    return Principal(
        kind=schedule.actor_kind,  # type: ignore[arg-type]  # stored from a principal
        user_id=schedule.user_id,
        session_id=schedule.session_id,
        permissions=frozenset(permissions),
    )


def _close(schedule: Schedule, status: str, **facts: Any) -> None:
    """End a schedule whose row is locked."""
    closed = Schedule.objects.filter(pk=schedule.pk, user_id=schedule.user_id)
    closed.update(status=status, closed_at=clock.now(), **facts)
    _tell(f"schedule.{status}", schedule, **{name: str(fact) for name, fact in facts.items()})


def _packed(draft: Draft) -> dict[str, Any]:
    return {
        "postings": [
            [str(posting.source), str(posting.destination), posting.amount_minor, posting.asset]
            for posting in draft.postings
        ],
        "reference": draft.reference,
        "description": draft.description,
        "metadata": draft.metadata,
    }


def _unpacked(packed: dict[str, Any], effective_at: dt.datetime) -> Draft:
    return Draft(
        postings=[
            Posting(uuid.UUID(source), uuid.UUID(destination), amount_minor, asset)
            for source, destination, amount_minor, asset in packed["postings"]
        ],
        reference=packed["reference"],
        description=packed["description"],
        metadata=packed["metadata"],
        effective_at=effective_at,
    )


def _tell(topic: str, schedule: Schedule, **payload: str) -> None:
    outbox.announce(
        topic=topic, user_id=schedule.user_id, object_id=schedule.pk, payload=payload or None
    )


def _audit(action: str, schedule: Schedule, actor: Principal, **data: str) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=schedule.user_id,
        target_type="schedule",
        target_id=schedule.pk,
        **data,
    )
