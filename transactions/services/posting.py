"""Moving money: one round trip, all or nothing, at most once.

The work is done by ``post_transactions`` in PostgreSQL (transactions/sql); this module says what
to post and what its refusals mean.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import orjson
from django.conf import settings
from django.db import transaction

from core import clock, context, db, idempotency, ids, outbox
from core import errors as core_errors
from core.principals import Principal
from transactions import constants, errors, selectors
from transactions.services import counting, functions, large

T = TypeVar("T")

FUNCTION: Final = (
    "SELECT * FROM post_transactions("
    "$1::uuid, $2::text, $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], "
    "$8::int[], $9::uuid[], $10::uuid[], $11::bigint[], $12::text[], $13::uuid[], $14::bigint[], "
    "$15::uuid, $16::uuid, $17::text, $18::uuid, $19::text, $20::inet, $21::uuid, "
    "$22::uuid, $23::uuid, $24::bytea, $25::uuid[])"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Posting:
    """One movement of ``amount_minor`` minor units from one ledger account to another."""

    source: uuid.UUID
    destination: uuid.UUID
    amount_minor: int
    asset: str


@dataclasses.dataclass(frozen=True, slots=True)
class Expectation:
    """The caller's last knowledge of an account: its ``entry_seq`` before this transaction.

    In a batch those before it count, as if they were posted one after the other.
    """

    account: uuid.UUID
    entry_seq: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A transaction to be: 1 to 256 postings that happen together."""

    postings: Sequence[Posting]
    reference: str | None = None
    description: str | None = None
    effective_at: dt.datetime | None = None
    metadata: dict[str, str] | None = None
    reverses_id: uuid.UUID | None = None
    expectations: Sequence[Expectation] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class PostedEntry:
    """One side of a posting as it was recorded."""

    account_id: uuid.UUID
    amount: int
    account_seq: int
    balance_after: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PostedTransaction:
    """What was recorded; ``is_replay`` when an earlier request with the same key did it."""

    id: uuid.UUID
    recorded_at: dt.datetime
    entries: Sequence[PostedEntry]
    is_replay: bool = False


def post_transaction(
    *,
    draft: Draft,
    ledger_id: uuid.UUID,
    actor: Principal,
    identity: idempotency.Keyed | None = None,
) -> PostedTransaction:
    """Post one transaction; see :func:`post_transactions` for rules and errors.

    With ``identity`` it happens at most once: a repeated request gets the first one's
    transaction, or its refusal.

    Raises:
        EffectiveAtOutOfRange: more than a year back, or in the future.
        StepUpRequired, ScopeMissing: a large amount without a fresh login.
    """
    require_near(draft.effective_at)
    large.require_fresh_login_for(
        ((posting.asset, posting.amount_minor) for posting in draft.postings), actor=actor
    )
    try:
        (posted,) = post_transactions(
            drafts=[draft],
            ledger_id=ledger_id,
            actor=actor,
            identity=identity,
        )
    except core_errors.DomainError as refusal:
        if identity is None or not idempotency.is_kept(refusal):
            raise
        return _keep(identity, refusal)
    return posted


def validate_transaction(
    *,
    draft: Draft,
    ledger_id: uuid.UUID,
    actor: Principal,
) -> PostedTransaction:
    """Return what :func:`post_transaction` would record now, and leave no trace of it.

    Raises:
        DomainError: what would refuse it.
    """
    require_near(draft.effective_at)

    def post_and_undo() -> PostedTransaction:
        (posted,) = post_transactions(drafts=[draft], ledger_id=ledger_id, actor=actor)
        transaction.set_rollback(True)
        return posted

    return db.run_in_transaction(post_and_undo)


def post_transactions(
    *,
    drafts: Sequence[Draft],
    ledger_id: uuid.UUID,
    actor: Principal,
    identity: idempotency.Keyed | None = None,
    kind: str = constants.KIND_POSTING,
) -> list[PostedTransaction]:
    """Post ``drafts`` in order, all or none, with their events and one audit row.

    One statement that commits by itself, or joins the caller's transaction. An actor without
    ``transactions.post_any_transaction`` may only take from accounts of their own.

    Raises:
        SameAccount: a posting from an account to itself.
        LedgerAccountNotFound: no such account in this ledger, or not the actor's to take from.
        AssetMismatch: an account holds another asset.
        LedgerAccountFrozen, LedgerAccountClosed: an account may not move like this.
        InsufficientFunds, LimitExceeded: an account would pass its floor or ceiling.
        BalanceOverflow: a balance would leave 64 bits.
        ReferenceTaken: a reference belongs to another transaction.
        ExpectationFailed: an account has moved on, or is none of the draft's.
        IdempotencyKeyReused, IdempotencyInProgress: see :mod:`core.idempotency`.
        DatabaseError: what PostgreSQL refused for other reasons, retried where that may help.
    """
    require_two_accounts(drafts)
    made = ids.uuid7s(len(drafts) + 1)
    parameters = _parameters(drafts, ledger_id, actor, identity, kind, made)
    rows = functions.call(FUNCTION, parameters)
    if rows and rows[0].transaction_index == 0:
        assert identity is not None
        return [_replayed(identity, rows[0])]
    outbox.count("transaction.posted", len(drafts))
    counting.count(
        counting.REVERSED if kind == constants.KIND_REVERSAL else counting.POSTED,
        ([(leg.asset, leg.amount_minor) for leg in draft.postings] for draft in drafts),
    )
    return _grouped(made, rows)


def require_near(effective_at: dt.datetime | None) -> None:
    """Refuse an effective date that is more than a year back or in the future.

    Raises:
        EffectiveAtOutOfRange: it is.
    """
    if effective_at is None:
        return
    now = clock.now()
    past_max = dt.timedelta(days=settings.ENV.ledger_backdating_days_max)
    if not now - past_max <= effective_at <= now + constants.EFFECTIVE_FUTURE_MAX:
        detail = f"Must be within {past_max.days} days before now."
        code = errors.EffectiveAtOutOfRange.code
        raise errors.EffectiveAtOutOfRange(
            detail, errors=[{"pointer": "#/effective_at", "code": code, "detail": detail}]
        )


def require_two_accounts(drafts: Iterable[Draft]) -> None:
    """Refuse a posting from an account to itself.

    Two names that nobody has are not one account: that they are not found is told later.

    Raises:
        SameAccount: there is one; extension ``posting`` is its index.
    """
    for draft in drafts:
        for index, posting in enumerate(draft.postings):
            if posting.source == posting.destination != constants.NOBODYS_ACCOUNT:
                raise errors.SameAccount("Money moves between two accounts.", posting=index)


def require_own_expectations(draft: Draft) -> None:
    """Refuse to say anything of accounts that the draft does not touch.

    Raises:
        ExpectationFailed: one of them is expected to be somehow.
    """
    touched = {
        account for posting in draft.postings for account in (posting.source, posting.destination)
    }
    if any(known.account not in touched for known in draft.expectations):
        raise errors.ExpectationFailed("Only accounts of the postings can be expected.")


def _parameters(
    drafts: Sequence[Draft],
    ledger_id: uuid.UUID,
    actor: Principal,
    identity: idempotency.Keyed | None,
    kind: str,
    made: Sequence[uuid.UUID],
) -> list[Any]:
    running = context.current()
    numbered = [
        (number, posting)
        for number, draft in enumerate(drafts, start=1)
        for posting in draft.postings
    ]
    expected = _expected_before(drafts)
    may_take_from_any = actor.may("transactions.post_any_transaction")
    return [
        ledger_id,
        kind,
        list(made[: len(drafts)]),
        _unless_all_absent([draft.reference for draft in drafts]),
        _unless_all_absent([draft.description for draft in drafts]),
        _unless_all_absent([draft.effective_at for draft in drafts]),
        _unless_all_absent([as_json(draft.metadata) for draft in drafts]),
        [number for number, _ in numbered],
        [posting.source for _, posting in numbered],
        [posting.destination for _, posting in numbered],
        [posting.amount_minor for _, posting in numbered],
        [posting.asset for _, posting in numbered],
        [account for account, _ in expected],
        [entry_seq for _, entry_seq in expected],
        None if may_take_from_any else actor.user_id,
        actor.user_id,
        actor.kind,
        actor.session_id,
        running.request_id,
        running.client_address or None,
        made[-1],
        identity.user_id if identity else None,
        identity.key_hash if identity else None,
        identity.fingerprint if identity else None,
        _unless_all_absent([draft.reverses_id for draft in drafts]),
    ]


def _expected_before(drafts: Sequence[Draft]) -> list[tuple[uuid.UUID, int]]:
    """Return what the drafts expect as it must be before the first of them.

    Each posting before adds one entry to either side.
    """
    if not any(draft.expectations for draft in drafts):
        return []
    added: Counter[uuid.UUID] = Counter()
    expected = []
    for draft in drafts:
        require_own_expectations(draft)
        expected += [
            (known.account, known.entry_seq - added[known.account]) for known in draft.expectations
        ]
        for posting in draft.postings:
            added[posting.source] += 1
            added[posting.destination] += 1
    return expected


def as_json(metadata: dict[str, str] | None) -> str | None:
    """Return ``metadata`` as the ledger's functions take it."""
    return orjson.dumps(metadata).decode() if metadata else None


def _unless_all_absent(values: list[T | None]) -> list[T | None] | None:
    """Spare PostgreSQL an array of nothing but NULL, which it would search by counting."""
    return values if any(value is not None for value in values) else None


def _grouped(made: Sequence[uuid.UUID], rows: Sequence[Any]) -> list[PostedTransaction]:
    entries: dict[int, list[PostedEntry]] = {}
    for row in rows:
        entries.setdefault(row.transaction_index, []).append(
            PostedEntry(row.account_id, row.amount, row.account_seq, row.balance_after)
        )
    recorded_at = rows[0].recorded_at
    return [
        PostedTransaction(id=made[number - 1], recorded_at=recorded_at, entries=legs)
        for number, legs in entries.items()
    ]


def _replayed(identity: idempotency.Keyed, row: Any) -> PostedTransaction:
    idempotency.require_same_request(identity, bytes(row.kept_fingerprint))
    if row.kept_object_id is not None:
        return _as_first_answered(row.kept_object_id)
    kept = idempotency.restored(row.kept_status, row.kept_body)
    assert isinstance(kept, core_errors.DomainError), "only refusals are kept without a transaction"
    raise kept


def _keep(identity: idempotency.Keyed, refusal: core_errors.DomainError) -> PostedTransaction:
    """Keep the refusal as the key's answer, or give the answer that was faster; raises mostly."""
    if isinstance(refusal, idempotency.KeptRefusal):
        raise refusal
    body = idempotency.refusal_as_body(refusal)
    claimed = db.run_in_transaction(
        lambda: idempotency.claim(identity, status=refusal.status, body=body)
    )
    if claimed:
        raise refusal
    row = idempotency.kept_row(identity)
    idempotency.require_same_request(identity, bytes(row.fingerprint))
    if row.object_id is not None:
        return _as_first_answered(row.object_id)
    raise refusal


def _as_first_answered(transaction_id: uuid.UUID) -> PostedTransaction:
    stored, entries = selectors.transaction_with_entries(transaction_id)
    return PostedTransaction(
        id=stored.pk,
        recorded_at=stored.recorded_at,
        entries=[
            PostedEntry(entry.account_id, entry.amount, entry.account_seq, entry.balance_after)
            for entry in entries
        ],
        is_replay=True,
    )
