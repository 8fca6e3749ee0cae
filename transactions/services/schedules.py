"""Transactions that are to happen later: schedule, cancel, post what is due."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Final

import structlog
from django.db import DatabaseError, InterfaceError

from accounts import selectors as accounts
from core import audit, clock, context, db, ids, outbox
from core.errors import DatabaseUnavailable, DomainError, PermissionRefused
from core.principals import HOUSE_USER_ID, Principal
from transactions import constants, errors, selectors
from transactions.models import Schedule
from transactions.services import large
from transactions.services.bulk import planner_for
from transactions.services.posting import Draft, Posting, post_transactions, require_two_accounts

SERVER_FAULT_STATUS_MIN: Final = 500
ANY_ACCOUNT: Final = "transactions.post_any_transaction"
log = structlog.get_logger(__name__)


def schedule_transaction(
    *, draft: Draft, ledger_id: uuid.UUID, run_at: dt.datetime, actor: Principal
) -> Schedule:
    """Have ``draft`` posted at ``run_at``, with what the actor may do now.

    What a key schedules happens only while that key, or the one it was rotated to, is valid. The
    accounts are looked at now and locked then: funds and limits are only judged when it is
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
            may_take_from_any=actor.may(ANY_ACCOUNT),
            actor_kind=actor.kind,
            session_id=actor.session_id,
            api_key_id=actor.key_id,
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
    """Post every transaction whose time has come; return how many were posted or failed.

    Each in one transaction with its own status, so that a crash leaves both or neither; several
    runners share the work, because each skips what another one has locked. One that cannot even
    be judged, because something breaks, is tried again by the next run and failed after
    ``SCHEDULE_ATTEMPTS_MAX`` of them; meanwhile it holds up no other.
    """
    return sum(_deal_with(schedule_id) for schedule_id in selectors.due_schedules(clock.now()))


def _deal_with(schedule_id: uuid.UUID) -> bool:
    try:
        return db.run_in_transaction(lambda: _post(schedule_id))
    except Exception as exc:
        if _is_outage(exc):
            raise
        log.exception("schedule_broken", schedule=str(schedule_id))
        what = type(exc).__name__
        return db.run_in_transaction(lambda: _count_attempt(schedule_id, what))


def _post(schedule_id: uuid.UUID) -> bool:
    schedule = _locked(schedule_id)
    if schedule is None:
        return False
    try:
        (posted,) = post_transactions(
            drafts=[_unpacked(schedule.draft, schedule.run_at)],
            ledger_id=schedule.ledger_id,
            actor=_who_scheduled(schedule),
        )
    except DomainError as refusal:
        if refusal.status >= SERVER_FAULT_STATUS_MIN:
            raise
        _close(
            schedule,
            constants.SCHEDULE_FAILED,
            failure_code=refusal.code,
            failure_detail=refusal.detail[: constants.REASON_LENGTH_MAX],
        )
    else:
        _close(schedule, constants.SCHEDULE_POSTED, transaction_id=posted.id)
    return True


def _count_attempt(schedule_id: uuid.UUID, what: str) -> bool:
    schedule = _locked(schedule_id)
    if schedule is None:
        return False
    attempts = schedule.attempts + 1
    if attempts < constants.SCHEDULE_ATTEMPTS_MAX:
        rows = Schedule.objects.filter(pk=schedule.pk, user_id=schedule.user_id)
        rows.update(attempts=attempts)
        return False
    _close(
        schedule,
        constants.SCHEDULE_FAILED,
        attempts=attempts,
        failure_code=errors.ScheduleBroken.code,
        failure_detail=f"{what}, {attempts} times; the log says more.",
    )
    return True


def _locked(schedule_id: uuid.UUID) -> Schedule | None:
    """Return the row if it still waits and nobody else deals with it."""
    rows = Schedule.objects.filter(pk=schedule_id, status=constants.SCHEDULED)
    return rows.select_for_update(skip_locked=True).first()


def _is_outage(exc: Exception) -> bool:
    """Tell a database that is gone from something wrong with one schedule."""
    if not isinstance(exc, DatabaseError | InterfaceError):
        return False
    return isinstance(db.as_domain_error(exc), DatabaseUnavailable)


def _who_scheduled(schedule: Schedule) -> Principal:
    """Return who it was, with what they may do today and could do then.

    Raises:
        PermissionRefused: they are locked out or gone, or their key has ended.
    """
    reach = frozenset({ANY_ACCOUNT} if schedule.may_take_from_any else ())
    if schedule.api_key_id is not None:
        reach &= _permissions_of_key(schedule.api_key_id, schedule.user_id)
    elif schedule.user_id != HOUSE_USER_ID:
        permissions = accounts.permissions_now(user_id=schedule.user_id)
        if permissions is None:
            raise PermissionRefused("Whoever scheduled it is locked out or gone.")
        reach &= permissions
    return Principal(
        kind=schedule.actor_kind,  # type: ignore[arg-type]  # stored from a principal
        user_id=schedule.user_id,
        session_id=schedule.session_id,
        key_id=schedule.api_key_id,
        permissions=reach,
    )


def _permissions_of_key(key_id: uuid.UUID, user_id: uuid.UUID) -> frozenset[str]:
    key = accounts.valid_api_key_or_successor(key_id, user_id, at=clock.now())
    if key is None:
        raise PermissionRefused("The key that scheduled it has ended, or its owner is gone.")
    return frozenset(accounts.facts_of_api_key(key)["permissions"])


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
