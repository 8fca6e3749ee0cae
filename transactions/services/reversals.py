"""Giving money back: in full or in part, never more than was moved."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from django.db import IntegrityError, connection

from core import audit, db, outbox, step_up
from core.errors import PermissionRefused
from core.principals import Principal
from transactions import constants, errors, selectors
from transactions.models import Entry, Transaction
from transactions.services.posting import (
    Draft,
    PostedTransaction,
    Posting,
    post_transactions,
    require_near,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """What to give back and why.

    ``amounts_minor`` says how much of which posting, counted from 0; ``None`` is all that is left
    of each.
    """

    reason: str
    amounts_minor: Mapping[int, int] | None = None
    reference: str | None = None
    effective_at: dt.datetime | None = None


def reverse_transaction(
    *, transaction_id: uuid.UUID, reversal: Reversal, actor: Principal
) -> tuple[PostedTransaction, Draft]:
    """Post the opposite of a transaction, or of a part of it, and link the two.

    Who received the money may give it back, and who may move any money; both after a fresh
    login. Commits its own transaction or joins the caller's: totals, transaction, events and
    audit row together. Returns what was posted and the draft it came from.

    Raises:
        StepUpRequired, ScopeMissing: see :mod:`core.step_up`.
        TransactionNotFound: none, or not for ``actor`` to see.
        PermissionRefused: somebody else received the money.
        ReversalOfReversal: the transaction gives money back itself.
        AlreadyReversed: nothing is left of it.
        PostingNotFound: an amount names no posting.
        ReversalExceedsOriginal: more than is left of a posting.
        EffectiveAtOutOfRange: more than a year back, or in the future.
        InsufficientFunds, LedgerAccountFrozen: and all others of posting.
    """
    step_up.require_fresh_login(actor, scope=constants.TRANSACTIONS_REVERSE)
    require_near(reversal.effective_at)
    original, entries = selectors.get_transaction(transaction_id=transaction_id, actor=actor)
    if original.kind == constants.KIND_REVERSAL:
        raise errors.ReversalOfReversal("Post anew what it gave back.")
    received_by = {entry.user_id for entry in entries if entry.amount > 0}
    if received_by != {actor.user_id} and not actor.may("transactions.post_any_transaction"):
        raise PermissionRefused("Only who received the money may give it back.")

    def reverse() -> tuple[PostedTransaction, Draft]:
        amounts = _amounts(original, entries, reversal.amounts_minor)
        _count(original, entries, amounts)
        draft = Draft(
            postings=[_opposite(entries, number, amount) for number, amount in amounts.items()],
            reference=reversal.reference,
            description=reversal.reason,
            effective_at=reversal.effective_at,
            reverses_id=original.pk,
        )
        (posted,) = post_transactions(
            drafts=[draft],
            ledger_id=original.ledger_id,
            actor=actor,
            kind=constants.KIND_REVERSAL,
        )
        _tell(original, posted, reversal.reason, actor)
        return posted, draft

    return db.run_in_transaction(reverse)


def _amounts(
    original: Transaction, entries: Sequence[Entry], wanted: Mapping[int, int] | None
) -> dict[int, int]:
    """Return how much to give back of which posting, in the order in which the rows are locked."""
    moved = {number: entry.amount for number, entry in enumerate(entries[1::2])}
    if wanted is not None:
        unknown = sorted(set(wanted) - set(moved))
        if unknown:
            raise errors.PostingNotFound(f"There is no posting {unknown[0]}.", posting=unknown[0])
        return dict(sorted(wanted.items()))
    given = selectors.reversed_amounts(original)
    left = {number: amount - given.get(number, 0) for number, amount in moved.items()}
    if not any(left.values()):
        raise errors.AlreadyReversed("All of it was given back before.")
    return {number: amount for number, amount in left.items() if amount}


def _count(original: Transaction, entries: Sequence[Entry], amounts: Mapping[int, int]) -> None:
    """Add to the running totals: whoever comes second waits here and sees the first one's."""
    try:
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO reversed_posting AS r (transaction_id, posting, user_id, amount, "
                "reversed) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (transaction_id, posting, "
                "user_id) DO UPDATE SET reversed = r.reversed + excluded.reversed",
                [
                    (original.pk, number, original.user_id, entries[2 * number + 1].amount, amount)
                    for number, amount in amounts.items()
                ],
            )
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "reversed_posting_within_original":
            raise
        raise errors.ReversalExceedsOriginal("Give back at most what is left.") from exc


def _opposite(entries: Sequence[Entry], number: int, amount_minor: int) -> Posting:
    source, destination = entries[2 * number : 2 * number + 2]
    return Posting(
        source=destination.account_id,
        destination=source.account_id,
        amount_minor=amount_minor,
        asset=source.asset_code,
    )


def _tell(original: Transaction, posted: PostedTransaction, reason: str, actor: Principal) -> None:
    outbox.announce(
        topic="transaction.reversed",
        user_id=original.user_id,
        object_id=original.pk,
        payload={"reversal": str(posted.id)},
    )
    audit.record(
        action="transaction.reverse",
        actor=actor,
        user_id=original.user_id,
        target_type="transaction",
        target_id=original.pk,
        reversal=str(posted.id),
        reason=reason,
    )
