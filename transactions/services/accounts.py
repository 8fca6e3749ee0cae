"""Ledgers, assets and the accounts in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DatabaseError, IntegrityError
from django.db.models import F

from core import audit, cached, clock, db, fields, ids, outbox
from core.errors import DomainError, PermissionRefused, PreconditionFailed
from core.principals import HOUSE_USER_ID, SYSTEM, Principal
from transactions import constants, errors, selectors
from transactions.models import Asset, Balance, Ledger, LedgerAccount

T = TypeVar("T")


def create_ledger(*, code: str, name: str, actor: Principal) -> Ledger:
    """Open a new book. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: only staff with the permission may.
        LedgerCodeTaken: the code is in use.
    """
    _require(actor, "transactions.add_ledger")

    def create() -> Ledger:
        ledger = Ledger.objects.create(id=ids.uuid7(), code=code, name=name, created_at=clock.now())
        _audit(actor, "ledger.create", HOUSE_USER_ID, "ledger", ledger.pk, code=code)
        return ledger

    return _once(create, "ledger_code_once", errors.LedgerCodeTaken(f"{code} is taken."))


def create_asset(*, code: str, name: str, exponent: int, actor: Principal) -> Asset:
    """Add a custom asset. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: only staff with the permission may.
        AssetCodeTaken: the code is in use.
    """
    _require(actor, "transactions.add_asset")

    def create() -> Asset:
        asset = Asset(code=code, name=name, exponent=exponent)
        asset.save(force_insert=True)
        _audit(actor, "asset.create", HOUSE_USER_ID, "asset", code, exponent=exponent)
        cached.invalidate("assets")
        return asset

    return _once(create, "asset_pkey", errors.AssetCodeTaken(f"{code} is taken."))


def open_ledger_account(  # noqa: PLR0913 - an account's fields, one by one
    *,
    ledger: Ledger,
    code: str,
    asset: Asset,
    actor: Principal,
    owner_id: uuid.UUID | None = None,
    name: str = "",
    type: str = constants.LIABILITY,  # noqa: A002 - the word of the field
    floor: int | None = 0,
    ceiling: int | None = None,
    metadata: dict[str, str] | None = None,
) -> LedgerAccount:
    """Open an account with an empty balance, for oneself or, with permission, for anybody.

    ``floor`` and ``ceiling`` are minor units; ``None`` is no bound. Commits its own transaction
    or joins the caller's: account, balance, audit row and event together.

    Raises:
        PermissionRefused: for another owner, another type or other limits without permission.
        LedgerAccountCodeTaken: the owner has an account with this code and asset in the ledger.
        ReferenceMissing: there is no such owner.
    """
    require_code(code)
    owner_id = owner_id or actor.user_id
    ordinary = (
        owner_id == actor.user_id and type == constants.LIABILITY and (floor, ceiling) == (0, None)
    )
    if not ordinary:
        _require(actor, "transactions.add_ledgeraccount")

    def create() -> LedgerAccount:
        account = LedgerAccount.objects.create(
            id=ids.uuid7(),
            user_id=owner_id,
            ledger=ledger,
            code=code,
            name=name,
            asset=asset,
            type=type,
            metadata=metadata or {},
            created_at=clock.now(),
        )
        account.balance = Balance.objects.create(
            account=account,
            user_id=owner_id,
            ledger_id=ledger.pk,
            asset_code=asset.code,
            floor=floor,
            ceiling=ceiling,
        )
        _audit(actor, "ledger_account.open", owner_id, "ledger_account", account.pk, code=code)
        outbox.announce(topic="ledger_account.opened", user_id=owner_id, object_id=account.pk)
        return account

    taken = errors.LedgerAccountCodeTaken(f"There is an account {code} in {asset.code} already.")
    return _once(create, "ledger_account_code_once", taken)


def ensure_house_account(*, ledger: Ledger, code: str, asset: Asset) -> uuid.UUID:
    """Return the house's account ``code``, opened now if there was none; it has no floor.

    The part of ``code`` before a colon says what it is for: ``clearing:AB`` is a clearing
    account. Commits its own transaction or joins the caller's.
    """
    known = selectors.house_account_id(ledger.pk, code, asset.code)
    if known is not None:
        return known
    try:
        account = open_ledger_account(
            ledger=ledger,
            code=code,
            asset=asset,
            actor=SYSTEM,
            owner_id=HOUSE_USER_ID,
            type=constants.HOUSE_TYPES.get(code.partition(":")[0], "equity"),
            floor=None,
        )
    except errors.LedgerAccountCodeTaken:
        known = selectors.house_account_id(ledger.pk, code, asset.code)
        assert known is not None, "somebody else opened it a moment ago"
        return known
    return account.pk


def update_ledger_account(
    *,
    account: LedgerAccount,
    expected_version: int,
    changes: dict[str, Any],
    actor: Principal,
    reason: str = "",
) -> LedgerAccount:
    """Change ``name``, ``metadata``, ``status``, ``floor`` or ``ceiling`` of an account.

    Owners may change name and metadata; the rest needs a permission. The version is compared
    inside the UPDATE; ``reason`` is kept in the audit trail. Commits its own transaction or joins
    the caller's.

    Raises:
        PermissionRefused: a change that takes a permission the actor lacks.
        PreconditionFailed: the account has changed since the caller read it.
        LedgerAccountClosed: a closed account stays as it is.
        InsufficientFunds, LimitExceeded: the balance lies beyond the new limit.
    """
    if set(changes) - {"name", "metadata"}:
        _require(actor, "transactions.change_ledgeraccount")
    if account.status == constants.CLOSED:
        raise errors.LedgerAccountClosed("A closed account cannot be changed.")
    on_account: dict[str, Any] = {
        key: changes[key] for key in ("name", "metadata", "status") if key in changes
    }
    on_balance: dict[str, Any] = {
        key: changes[key] for key in ("floor", "ceiling") if key in changes
    }
    if "status" in changes:
        may_debit, may_credit = constants.STATUS_RIGHTS[changes["status"]]
        on_balance.update(may_debit=may_debit, may_credit=may_credit)
        # Somebody has decided on it: letting its owner in again changes nothing any more.
        on_account["status_before_lock"] = ""

    def change() -> None:
        _take_version(account, expected_version, on_account)
        if on_balance:
            Balance.objects.filter(pk=account.pk, user_id=account.user_id).update(**on_balance)
        _audit(
            actor,
            "ledger_account.change",
            account.user_id,
            "ledger_account",
            account.pk,
            before={key: _value(account, key) for key in changes},
            after=changes,
            reason=reason,
        )
        outbox.announce(
            topic="ledger_account.changed", user_id=account.user_id, object_id=account.pk
        )

    _within_limits(lambda: db.run_in_transaction(change))
    return selectors.get_ledger_account(account_id=account.pk, actor=actor)


def close_ledger_account(
    *, account: LedgerAccount, actor: Principal, reason: str = ""
) -> LedgerAccount:
    """Close an empty account for good; ``reason`` is kept in the audit trail.

    Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: not the owner and without the permission.
        LedgerAccountNotEmpty: there is a balance or a hold on it.
    """
    if account.user_id != actor.user_id:
        _require(actor, "transactions.change_ledgeraccount")

    def close() -> None:
        emptied = Balance.objects.filter(
            pk=account.pk, user_id=account.user_id, posted=0, held_out=0, held_in=0
        ).update(may_debit=False, may_credit=False)
        if not emptied:
            raise errors.LedgerAccountNotEmpty("Move the money away first.")
        LedgerAccount.objects.filter(pk=account.pk, user_id=account.user_id).update(
            status=constants.CLOSED, version=F("version") + 1
        )
        _audit(
            actor,
            "ledger_account.close",
            account.user_id,
            "ledger_account",
            account.pk,
            reason=reason,
        )
        outbox.announce(
            topic="ledger_account.closed", user_id=account.user_id, object_id=account.pk
        )

    db.run_in_transaction(close)
    return selectors.get_ledger_account(account_id=account.pk, actor=actor)


def require_code(code: str) -> None:
    """Refuse a code that reads as an id: postings name accounts by either.

    Raises:
        LedgerAccountCodeTaken: the code has the form of a UUID.
    """
    if fields.UUID_TEXT.match(code):
        raise errors.LedgerAccountCodeTaken("A code must not have the form of an id.")


def _take_version(account: LedgerAccount, expected: int, changes: dict[str, Any]) -> None:
    taken = (
        LedgerAccount.objects.filter(pk=account.pk, user_id=account.user_id, version=expected)
        .exclude(status=constants.CLOSED)
        .update(**changes, version=F("version") + 1)
    )
    if taken != 1:
        raise PreconditionFailed("The account has changed. Read it again.")


def _value(account: LedgerAccount, key: str) -> Any:
    return getattr(account.balance if key in ("floor", "ceiling") else account, key)


def _within_limits(work: Callable[[], None]) -> None:
    try:
        work()
    except DatabaseError as exc:
        constraint = db.violated_constraint(exc)
        if constraint == "balance_floor":
            raise errors.InsufficientFunds("The balance lies below the new floor.") from exc
        if constraint == "balance_ceiling":
            raise errors.LimitExceeded("The balance lies above the new ceiling.") from exc
        raise


def _once(work: Callable[[], T], constraint: str, refusal: DomainError) -> T:
    """Run ``work`` in a transaction; breaking ``constraint`` is ``refusal``."""
    try:
        return db.run_in_transaction(work)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != constraint:
            raise
        raise refusal from exc


def _require(actor: Principal, permission: str) -> None:
    if not actor.may(permission):
        raise PermissionRefused("This takes a permission you do not have.")


def _audit(
    actor: Principal, action: str, user_id: uuid.UUID, kind: str, target: object, **data: Any
) -> None:
    audit.record(
        action=action, actor=actor, user_id=user_id, target_type=kind, target_id=target, **data
    )
