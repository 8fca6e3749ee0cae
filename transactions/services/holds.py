"""Setting money aside: place, capture in parts, release, expire."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Final

from django.db import connection

from core import audit, clock, context, db, ids, outbox
from core.errors import PermissionRefused
from core.principals import Principal
from transactions import constants, errors, selectors
from transactions.models import Hold
from transactions.services import counting, functions, large
from transactions.services.posting import PostedEntry, PostedTransaction, Posting, as_json

PLACE: Final = (
    "SELECT * FROM place_hold($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::bigint, $6::text, "
    "$7::interval, $8::text, $9::text, $10::uuid, $11::uuid, $12::text, $13::uuid, $14::text, "
    "$15::inet, $16::uuid)"
)
CAPTURE: Final = (
    "SELECT * FROM capture_hold($1::uuid, $2::uuid, $3::bigint, $4::boolean, $5::uuid, $6::text, "
    "$7::text, $8::text, $9::uuid, $10::text, $11::uuid, $12::text, $13::inet, $14::uuid, "
    "$15::uuid)"
)
FREE: Final = "SELECT free_holds($1::uuid[], $2::text, $3::uuid[])"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """How much of a hold to post, and how; no amount means all that is left.

    ``is_final`` frees what is left over; otherwise it stays held for further captures.
    """

    amount_minor: int | None = None
    is_final: bool = True
    reference: str | None = None
    description: str | None = None
    metadata: dict[str, str] | None = None


def place_hold(
    *,
    ledger_id: uuid.UUID,
    posting: Posting,
    actor: Principal,
    expires_in: dt.timedelta = dt.timedelta(seconds=constants.HOLD_EXPIRY_S_DEFAULT),
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Hold:
    """Set the amount of ``posting`` aside on its source, for its destination alone.

    One statement that commits by itself, or joins the caller's transaction: hold, balances,
    event and audit row. It counts against the floor of the source and the ceiling of the
    destination. An actor without ``transactions.post_any_transaction`` may only hold on accounts
    of their own.

    Raises:
        SameAccount: source and destination are one account.
        LedgerAccountNotFound: no such account in this ledger, or not the actor's to take from.
        AssetMismatch: an account holds another asset.
        LedgerAccountFrozen, LedgerAccountClosed: an account may not move like this.
        InsufficientFunds, LimitExceeded: an account would pass its floor or ceiling.
        BalanceOverflow: a balance would leave 64 bits.
    """
    if posting.source == posting.destination != constants.NOBODYS_ACCOUNT:
        raise errors.SameAccount("Money moves between two accounts.")
    hold_id, audit_id = ids.uuid7s(2)
    may_take_from_any = actor.may("transactions.post_any_transaction")
    (row,) = functions.call(
        PLACE,
        [
            *(hold_id, ledger_id, posting.source, posting.destination),
            *(posting.amount_minor, posting.asset, expires_in, description, as_json(metadata)),
            None if may_take_from_any else actor.user_id,
            *_who(actor),
            audit_id,
        ],
    )
    outbox.count("hold.placed")
    counting.count(counting.HELD, [[(posting.asset, posting.amount_minor)]])
    return Hold(**row._asdict())


def capture_hold(*, hold: Hold, capture: Capture, actor: Principal) -> PostedTransaction:
    """Post a hold, or a part of it; either side's owner may, and who may move any money.

    One statement that commits by itself, or joins the caller's transaction. The database's
    clock, read under the hold's lock, decides whether it has expired: a late sweeper changes
    nothing.

    Raises:
        PermissionRefused: neither side is ``actor``'s, who may not move any money.
        HoldNotPending: captured, released or expired before.
        HoldExpired: its time is over.
        CaptureExceedsHold: more than it has left.
        LedgerAccountFrozen, LedgerAccountClosed: an account may not move like this.
        ReferenceTaken: the reference belongs to another transaction.
        StepUpRequired, ScopeMissing: a large amount without a fresh login.
    """
    amount_minor = hold.remaining if capture.amount_minor is None else capture.amount_minor
    large.require_fresh_login_for([(hold.asset_code, amount_minor)], actor=actor)
    if actor.user_id not in (hold.user_id, hold.destination_user_id) and not actor.may(
        "transactions.post_any_transaction"
    ):
        raise PermissionRefused("Only the owner of either side may capture it.")
    transaction_id, audit_id, event_id = ids.uuid7s(3)
    rows = functions.call(
        CAPTURE,
        [
            *(hold.pk, hold.user_id, capture.amount_minor, capture.is_final, transaction_id),
            *(capture.reference, capture.description, as_json(capture.metadata)),
            *_who(actor),
            *(audit_id, event_id),
        ],
    )
    outbox.count("transaction.posted")
    outbox.count("hold.captured")
    counting.count(counting.CAPTURED, [[(hold.asset_code, abs(rows[0].amount))]])
    return PostedTransaction(
        id=transaction_id,
        recorded_at=rows[0].recorded_at,
        entries=[
            PostedEntry(row.account_id, row.amount, row.account_seq, row.balance_after)
            for row in rows
        ],
    )


def release_hold(*, hold_id: uuid.UUID, actor: Principal, reason: str = "") -> Hold:
    """Give what is left of a hold back to its source.

    Only whom it was promised to may let it go, or who may move any money: for the source's owner
    alone a hold would promise nothing. Commits its own transaction or joins the caller's.

    Raises:
        HoldNotFound: none, or not for ``actor`` to see.
        PermissionRefused: the destination belongs to somebody else.
        HoldNotPending: captured, released or expired before.
    """

    def release() -> None:
        hold = selectors.get_hold(hold_id=hold_id, actor=actor, for_update=True)
        if hold.destination_user_id != actor.user_id and not actor.may(
            "transactions.post_any_transaction"
        ):
            raise PermissionRefused("Only the owner of the destination may release it.")
        if hold.status != constants.HOLD_PENDING:
            raise errors.HoldNotPending(f"The hold is {hold.status}.", hold_status=hold.status)
        _free([hold], constants.HOLD_RELEASED)
        audit.record(
            action="hold.release",
            actor=actor,
            user_id=hold.user_id,
            target_type="hold",
            target_id=hold.pk,
            reason=reason,
        )

    db.run_in_transaction(release)
    return selectors.get_hold(hold_id=hold_id, actor=actor)


def expire_holds(*, at_once: int = constants.HOLDS_EXPIRED_AT_ONCE) -> int:
    """Give back what is left of every hold whose time is over; return how many there were.

    Each ``at_once`` in a transaction of their own; several runners share the work, because each
    skips the holds another one has locked.
    """
    expired = 0
    while True:
        count = db.run_in_transaction(lambda: _expire_some(at_once))
        expired += count
        if count < at_once:
            return expired


def _expire_some(at_once: int) -> int:
    due = Hold.objects.pending().filter(expires_at__lte=clock.now()).order_by("expires_at")
    holds = list(due.select_for_update(skip_locked=True)[:at_once])
    if holds:
        _free(holds, constants.HOLD_EXPIRED)
    return len(holds)


def _free(holds: Sequence[Hold], status: str) -> None:
    """Close holds whose rows are locked and give back what is left of them."""
    assert connection.in_atomic_block, "the locks must last until the balances are changed"
    functions.call(FREE, [[hold.pk for hold in holds], status, ids.uuid7s(len(holds))])
    outbox.count(f"hold.{status}", len(holds))
    counting.count(status, ([(hold.asset_code, hold.remaining)] for hold in holds))


def _who(actor: Principal) -> list[object]:
    """Return who asks, from where, in the order the ledger's functions take it."""
    running = context.current()
    return [
        actor.user_id,
        actor.kind,
        actor.session_id,
        running.request_id,
        running.client_address or None,
    ]
