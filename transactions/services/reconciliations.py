"""Comparing a bank's statement with ours."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid

from core import audit, clock, db, ids
from core.errors import PermissionRefused
from core.principals import Principal
from transactions import bank_statements, constants, errors, selectors
from transactions.bank_statements import BankLine, BookLine, Pair
from transactions.importing import RowFault
from transactions.models import LedgerAccount, Reconciliation, ReconciliationLine


def reconcile(
    *,
    account: LedgerAccount,
    text: str,
    first_day: dt.date,
    last_day: dt.date,
    actor: Principal,
    days_apart_max: int = constants.DAYS_APART_DEFAULT,
) -> Reconciliation:
    """Compare a bank's CSV with the account's entries that take effect from day to day.

    Lines pair by reference and amount, else by amount and nearness of days; see
    :func:`transactions.bank_statements.match`. What only the bank has is unexpected, what only we
    have is missing. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: only staff with the permission may.
        BankStatementInvalid: a line cannot be taken; nothing was stored.
        ReconciliationTooLarge: too many lines on either side.
        MomentArchived: entries of those days are in the archive.
    """
    _require(actor, "transactions.add_reconciliation")
    bank = _bank_lines(text)
    around = dt.timedelta(days=days_apart_max)
    book = selectors.book_lines(account, first=first_day - around, last=last_day + around)
    pairs = bank_statements.match(bank, book, days_apart_max=days_apart_max)
    paired = {pair.book for pair in pairs}
    unpaired = [line for place, line in enumerate(book) if place not in paired]
    missing = [line for line in unpaired if first_day <= line.day <= last_day]

    def store() -> Reconciliation:
        made = Reconciliation.objects.create(
            id=ids.uuid7(),
            user_id=account.user_id,
            account=account,
            first_day=first_day,
            last_day=last_day,
            days_apart_max=days_apart_max,
            file_sha256=hashlib.sha256(text.encode()).hexdigest(),
            matched=len(pairs),
            unexpected=len(bank) - len(pairs),
            missing=len(missing),
            actor_id=actor.user_id,
            created_at=clock.now(),
        )
        ReconciliationLine.objects.bulk_create(_rows(made, bank, book, pairs, missing))
        _audit(actor, "reconciliation.upload", made, account=str(account.pk))
        return made

    return db.run_in_transaction(store)


def resolve_line(
    *, reconciliation: Reconciliation, line_id: uuid.UUID, reason: str, actor: Principal
) -> ReconciliationLine:
    """Settle an unexpected or missing line with a reason; the ledger itself is not touched.

    Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: only staff with the permission may.
        ReconciliationNotFound: the reconciliation has no such line.
        ReconciliationLineSettled: it matched, or somebody resolved it before.
    """
    _require(actor, "transactions.change_reconciliation")

    def resolve() -> ReconciliationLine:
        lines = ReconciliationLine.objects.filter(
            pk=line_id, user_id=reconciliation.user_id, reconciliation_id=reconciliation.pk
        )
        if not lines.exists():
            raise errors.ReconciliationNotFound("The reconciliation has no such line.")
        settled = (
            lines.exclude(state=constants.MATCHED)
            .filter(resolved_at=None)
            .update(reason=reason, resolved_by=actor.user_id, resolved_at=clock.now())
        )
        if settled != 1:
            raise errors.ReconciliationLineSettled("It matched, or was resolved before.")
        _audit(actor, "reconciliation.resolve", reconciliation, line=str(line_id), reason=reason)
        return lines.get()

    return db.run_in_transaction(resolve)


def _require(actor: Principal, permission: str) -> None:
    if not actor.may(permission):
        raise PermissionRefused(f"It takes the permission {permission}.")


def _audit(actor: Principal, action: str, about: Reconciliation, **data: str) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=about.user_id,
        target_type="reconciliation",
        target_id=about.pk,
        **data,
    )


def _bank_lines(text: str) -> list[BankLine]:
    try:
        lines = bank_statements.bank_lines(text)
    except RowFault as exc:
        fault = {
            "pointer": f"#/line/{exc.line}",
            "code": errors.BankStatementInvalid.code,
            "detail": str(exc),
        }
        raise errors.BankStatementInvalid(str(exc), errors=[fault]) from exc
    if len(lines) > constants.RECONCILIATION_LINES_MAX:
        raise errors.ReconciliationTooLarge(
            f"At most {constants.RECONCILIATION_LINES_MAX:,} lines are compared at once."
        )
    return lines


def _rows(
    made: Reconciliation,
    bank: list[BankLine],
    book: list[BookLine],
    pairs: list[Pair],
    missing: list[BookLine],
) -> list[ReconciliationLine]:
    by_bank = {pair.bank: pair for pair in pairs}
    rows = []
    for place, line in enumerate(bank):
        pair = by_bank.get(place)
        entry = book[pair.book] if pair else None
        rows.append(_row(made, line, entry, pair.rule if pair else ""))
    rows += [_row(made, None, entry, "") for entry in missing]
    for row, identifier in zip(rows, ids.uuid7s(len(rows)), strict=True):
        row.id = identifier
    return rows


def _row(
    made: Reconciliation, line: BankLine | None, entry: BookLine | None, rule: str
) -> ReconciliationLine:
    shown = line or entry
    assert shown is not None, "a line is the bank's, ours, or both"
    state = constants.UNEXPECTED if entry is None else constants.MATCHED
    return ReconciliationLine(
        user_id=made.user_id,
        reconciliation=made,
        state=state if line else constants.MISSING,
        rule=rule,
        day=shown.day,
        amount=shown.amount_minor,
        reference=shown.reference,
        description=shown.description,
        transaction_id=entry.transaction_id if entry else None,
        account_seq=entry.account_seq if entry else None,
    )
