"""Many transactions in one request: all or none, or each on its own merits."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

from core import db
from core.errors import DomainError
from core.principals import Principal
from transactions import constants, errors, selectors
from transactions.models import Balance, LedgerAccount
from transactions.services import large
from transactions.services.planning import AccountState, Item, Planner, all_accounts, first_refusal
from transactions.services.posting import (
    Draft,
    PostedTransaction,
    post_transactions,
    require_near,
    require_two_accounts,
)

# How often the plan is made anew when somebody takes a reference between plan and posting.
PLANS_MAX = 3
_STATE: Final = (
    *("account_id", "user_id", "ledger_id", "asset_code", "posted", "floor", "ceiling"),
    *("held_out", "held_in", "entry_seq", "may_debit", "may_credit"),
)


def post_all_or_none(
    *,
    drafts: Sequence[Draft],
    ledger_id: uuid.UUID,
    actor: Principal,
    kind: str = constants.KIND_POSTING,
) -> list[PostedTransaction]:
    """Post ``drafts`` in order in one statement, all or none.

    Every refusal carries the extension ``transaction``: the index of the draft it is about. Each
    draft has to keep the limits by itself, given those before it.

    Raises:
        StepUpRequired, ScopeMissing: together a large amount, without a fresh login.
        DomainError: what refuses a draft, see :func:`post_transactions`.
    """
    _require_fresh_login_for(drafts, actor)
    for index, draft in enumerate(drafts):
        try:
            if kind != constants.KIND_IMPORT:
                require_near(draft.effective_at)
            require_two_accounts([draft])
        except DomainError as refusal:
            refusal.extensions["transaction"] = index
            raise
    try:
        return post_transactions(drafts=drafts, ledger_id=ledger_id, actor=actor, kind=kind)
    except DomainError as refusal:
        if "transaction" not in refusal.extensions:
            planner = planner_for(drafts, ledger_id, actor, lock=False)
            planner.is_free_of_window = kind == constants.KIND_IMPORT
            _find_index(refusal, planner, drafts)
        raise


def post_each(
    *, items: Sequence[Item], ledger_id: uuid.UUID, actor: Principal
) -> list[PostedTransaction | DomainError]:
    """Post every item that can be, in order, as if one after the other; answer each in its place.

    Neighbours with the same link are posted together or not at all. The accounts are locked, all
    items decided, and those accepted written by one statement. Commits its own transaction or
    joins the caller's.

    Raises:
        StepUpRequired, ScopeMissing: together a large amount, without a fresh login.
    """
    _require_fresh_login_for([item.draft for item in items], actor)
    for _ in range(PLANS_MAX - 1):
        try:
            return db.run_in_transaction(lambda: _post_accepted(items, ledger_id, actor))
        except errors.ReferenceTaken:
            # Taken since the plan was made: the next one knows.
            continue
    return db.run_in_transaction(lambda: _post_accepted(items, ledger_id, actor))


def _post_accepted(
    items: Sequence[Item], ledger_id: uuid.UUID, actor: Principal
) -> list[PostedTransaction | DomainError]:
    verdicts = planner_for([item.draft for item in items], ledger_id, actor, lock=True).verdicts(
        items
    )
    accepted = [item.draft for item, no in zip(items, verdicts, strict=True) if no is None]
    posted = iter(
        post_transactions(drafts=accepted, ledger_id=ledger_id, actor=actor) if accepted else ()
    )
    return [next(posted) if verdict is None else verdict for verdict in verdicts]


def _find_index(refusal: DomainError, planner: Planner, drafts: Sequence[Draft]) -> None:
    """Name the draft that the ledger refused as a whole; absent when nothing is wrong by now."""
    found = first_refusal(planner.verdicts([Item(draft) for draft in drafts]))
    if found is not None and found[1].code == refusal.code:
        refusal.extensions["transaction"] = found[0]


def _states(accounts: Sequence[uuid.UUID], *, lock: bool) -> dict[uuid.UUID, AccountState]:
    rows = Balance.objects.filter(pk__in=accounts).order_by("account_id")
    # Plain tuples: a batch locks thousands of rows, and nothing else is done with them.
    balances = list((rows.select_for_update() if lock else rows).values_list(*_STATE, named=True))
    stopped = [row.account_id for row in balances if not (row.may_debit and row.may_credit)]
    closed = (
        set(
            LedgerAccount.objects.filter(pk__in=stopped, status=constants.CLOSED).values_list(
                "pk", flat=True
            )
        )
        if stopped
        else ()
    )
    return {
        row.account_id: AccountState(
            owner_id=row.user_id,
            ledger_id=row.ledger_id,
            asset=row.asset_code,
            posted=row.posted,
            entry_seq=row.entry_seq,
            lowest=None if row.floor is None else row.floor + row.held_out,
            highest=None if row.ceiling is None else row.ceiling - row.held_in,
            may_debit=row.may_debit,
            may_credit=row.may_credit,
            is_closed=row.account_id in closed,
        )
        for row in balances
    }


def _require_fresh_login_for(drafts: Sequence[Draft], actor: Principal) -> None:
    large.require_fresh_login_for(
        ((posting.asset, posting.amount_minor) for draft in drafts for posting in draft.postings),
        actor=actor,
    )


def planner_for(
    drafts: Sequence[Draft], ledger_id: uuid.UUID, actor: Principal, *, lock: bool
) -> Planner:
    """Return a planner that knows the accounts and references of ``drafts``; locked, if asked."""
    may_take_from_any = actor.may("transactions.post_any_transaction")
    references = [draft.reference for draft in drafts if draft.reference is not None]
    accounts = all_accounts([Item(draft) for draft in drafts])
    return Planner(
        ledger_id=ledger_id,
        owner_id=None if may_take_from_any else actor.user_id,
        accounts=_states(accounts, lock=lock),
        references=selectors.known_references(ledger_id, references),
    )
