"""Reading reconciliations, and the entries they compare."""

from __future__ import annotations

import datetime as dt
import uuid

from core import errors as core_errors
from core.pagination import Page, PageRequest, page_by_id
from core.principals import Principal
from transactions import constants, errors
from transactions.bank_statements import BookLine
from transactions.models import LedgerAccount, Reconciliation, ReconciliationLine
from transactions.selectors.statements import statement_lines


def book_lines(account: LedgerAccount, *, first: dt.date, last: dt.date) -> list[BookLine]:
    """Return the entries that take effect from the day ``first`` to the day ``last``.

    Raises:
        ReconciliationTooLarge: there are too many.
        MomentArchived: some of them are in the archive.
    """
    since = dt.datetime.combine(first, dt.time(), dt.UTC)
    until = dt.datetime.combine(last, dt.time(), dt.UTC) + dt.timedelta(days=1)
    limit = constants.RECONCILIATION_LINES_MAX
    lines = statement_lines(account, since=since, until=until, by="effective", limit=limit + 1)
    if len(lines) > limit:
        raise errors.ReconciliationTooLarge(f"At most {limit:,} entries are compared at once.")
    if any(line["transaction_id"] is None for line in lines):
        raise errors.MomentArchived("The month must be restored first.", day=first.isoformat())
    return [
        BookLine(
            day=line["at"].astimezone(dt.UTC).date(),
            amount_minor=line["amount"],
            reference=line["reference"] or "",
            description=line["description"] or "",
            transaction_id=line["transaction_id"],
            account_seq=line["account_seq"],
        )
        for line in lines
    ]


def get_reconciliation(*, reconciliation_id: uuid.UUID, actor: Principal) -> Reconciliation:
    """Return a reconciliation.

    Raises:
        ReconciliationNotFound: none, or not for ``actor`` to see.
    """
    found = Reconciliation.objects.filter(pk=reconciliation_id).first()
    if found is None or not actor.may("transactions.view_reconciliation"):
        raise errors.ReconciliationNotFound("There is no such reconciliation.")
    return found


def reconciliations(*, actor: Principal, asked: PageRequest) -> Page[Reconciliation]:
    """Return a page of reconciliations, newest first.

    Raises:
        PermissionRefused: they are for staff.
    """
    if not actor.may("transactions.view_reconciliation"):
        raise core_errors.PermissionRefused("Reconciliations are for staff.")
    rows = Reconciliation.objects.all()
    return page_by_id(rows, asked)


def reconciliation_lines(
    *, reconciliation: Reconciliation, asked: PageRequest, state: str | None
) -> Page[ReconciliationLine]:
    """Return a page of a reconciliation's lines, the bank's in its order first, then ours."""
    rows = ReconciliationLine.objects.filter(reconciliation_id=reconciliation.pk)
    if state is not None:
        rows = rows.filter(state=state)
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__lt=last_id) if asked.backwards else rows.filter(id__gt=last_id)
    ordered = rows.order_by("-id" if asked.backwards else "id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])
