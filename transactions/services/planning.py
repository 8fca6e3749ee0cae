"""Deciding in plain integers which of many drafts can be posted, one after the other.

Pure: what is decided here is written by one statement afterwards, under the same locks.
"""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Iterator, Sequence
from typing import Final

from core.errors import DomainError
from core.fields import INT64_MAX
from transactions import errors
from transactions.services import functions
from transactions.services.posting import (
    Draft,
    Posting,
    require_near,
    require_own_expectations,
    require_two_accounts,
)

SOURCE: Final = "source"
DESTINATION: Final = "destination"


@dataclasses.dataclass(slots=True)
class AccountState:
    """A locked balance. ``lowest`` and ``highest`` bound ``posted``, holds counted."""

    owner_id: uuid.UUID
    ledger_id: uuid.UUID
    asset: str
    posted: int
    entry_seq: int
    lowest: int | None
    highest: int | None
    may_debit: bool
    may_credit: bool
    is_closed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A draft in a batch; neighbours with the same ``link`` are posted together or not at all."""

    draft: Draft
    link: str | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class Planner:
    """What is known under the locks; ``owner_id`` is set when only their accounts may pay.

    ``is_free_of_window`` lets effective dates lie anywhere, as imports of history do.
    """

    ledger_id: uuid.UUID
    owner_id: uuid.UUID | None
    accounts: dict[uuid.UUID, AccountState]
    references: set[str]
    is_free_of_window: bool = False

    def verdicts(self, items: Sequence[Item]) -> list[DomainError | None]:
        """Return for each item what refuses it, in order; accepted ones count for those after."""
        decided: list[DomainError | None] = []
        for group in _groups(items):
            decided.extend(self._decide([item.draft for item in group]))
        return decided

    def require_usable(self, draft: Draft) -> None:
        """Refuse a draft whose accounts cannot be what it needs, whatever is on them."""
        for place, posting in enumerate(draft.postings):
            pointer = f"#/postings/{place}/"
            self._usable(posting.source, posting.asset, SOURCE, pointer)
            self._usable(posting.destination, posting.asset, DESTINATION, pointer)

    def _decide(self, drafts: Sequence[Draft]) -> list[DomainError | None]:
        touched = {
            account: (self.accounts[account].posted, self.accounts[account].entry_seq)
            for draft in drafts
            for posting in draft.postings
            for account in (posting.source, posting.destination)
            if account in self.accounts
        }
        taken: set[str] = set()
        for number, draft in enumerate(drafts):
            try:
                self._apply(draft)
            except DomainError as refusal:
                for account, (posted, entry_seq) in touched.items():
                    self.accounts[account].posted = posted
                    self.accounts[account].entry_seq = entry_seq
                self.references -= taken
                fellow = errors.LinkedRefused("Another item with the same link was refused.")
                return [refusal if place == number else fellow for place in range(len(drafts))]
            if draft.reference is not None:
                taken.add(draft.reference)
        return [None] * len(drafts)

    def _apply(self, draft: Draft) -> None:
        """Let ``draft`` happen to the accounts; the caller undoes it when it is refused."""
        if not self.is_free_of_window:
            require_near(draft.effective_at)
        require_two_accounts([draft])
        if draft.reference is not None and draft.reference in self.references:
            raise functions.refused(errors.ReferenceTaken)
        self.require_usable(draft)
        require_own_expectations(draft)
        for known in draft.expectations:
            if self.accounts[known.account].entry_seq != known.entry_seq:
                raise functions.refused(errors.ExpectationFailed)
        for posting in draft.postings:
            self._move(posting)
        for account_id in _by_last_touch(draft):
            _require_within_limits(self.accounts[account_id])
        if draft.reference is not None:
            self.references.add(draft.reference)

    def _move(self, posting: Posting) -> None:
        for account_id, change in (
            (posting.source, -posting.amount_minor),
            (posting.destination, posting.amount_minor),
        ):
            state = self.accounts[account_id]
            state.posted += change
            state.entry_seq += 1

    def _usable(
        self,
        account_id: uuid.UUID,
        asset: str,
        side: str,
        pointer: str,
    ) -> AccountState:
        state, pointer = self.accounts.get(account_id), pointer + side
        if (
            state is None
            or state.ledger_id != self.ledger_id
            or (side == SOURCE and self.owner_id not in (None, state.owner_id))
        ):
            raise functions.refused(errors.LedgerAccountNotFound, pointer)
        if state.asset != asset:
            raise functions.refused(errors.AssetMismatch, pointer)
        if not (state.may_debit if side == SOURCE else state.may_credit):
            frozen_or_closed = (
                errors.LedgerAccountClosed if state.is_closed else errors.LedgerAccountFrozen
            )
            raise functions.refused(frozen_or_closed, pointer)
        return state


def _by_last_touch(draft: Draft) -> list[uuid.UUID]:
    """Return the accounts of ``draft`` in the order in which PostgreSQL names the faulty one."""
    last: dict[uuid.UUID, None] = {}
    for posting in draft.postings:
        for account_id in (posting.source, posting.destination):
            last.pop(account_id, None)
            last[account_id] = None
    return list(last)


def _require_within_limits(state: AccountState) -> None:
    if state.lowest is not None and state.posted < state.lowest:
        raise functions.refused(errors.InsufficientFunds)
    if state.highest is not None and state.posted > state.highest:
        raise functions.refused(errors.LimitExceeded)
    if abs(state.posted) > INT64_MAX:
        raise functions.refused(errors.BalanceOverflow)


def _groups(items: Sequence[Item]) -> Iterator[list[Item]]:
    for link, group in itertools.groupby(items, key=lambda item: item.link):
        if link is None:
            yield from ([item] for item in group)
        else:
            yield list(group)


def all_accounts(items: Sequence[Item]) -> list[uuid.UUID]:
    """Return every account that ``items`` name, in the order in which they are locked."""
    return sorted(
        {
            account
            for item in items
            for posting in item.draft.postings
            for account in (posting.source, posting.destination)
        }
    )


def first_refusal(
    verdicts: Sequence[DomainError | None],
) -> tuple[int, DomainError] | None:
    """Return the first refused item's index and refusal."""
    refused = ((index, verdict) for index, verdict in enumerate(verdicts) if verdict is not None)
    return next(refused, None)
