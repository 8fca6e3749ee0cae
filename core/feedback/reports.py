"""Take reports, show them to who sent them, and say what became of them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from core import audit, clock, db, errors, ids, redaction
from core.models import Report
from core.models.feedback import DONE, STATES
from core.pagination import Page, PageRequest, page_by_id
from core.principals import Principal

CHANGE: Final = "core.change_report"
# Addresses of people and numbers of cards: nobody needs them to mend a fault.
# An address begins where a word does: looking for one from each letter on would take forever.
_PERSONAL: Final = re.compile(r"(?<![^\s@<>])[^\s@<>]+@[^\s@<>]+\.\w+|\b\d(?:[ -]?\d){12,18}\b")


class ReportNotFound(errors.NotFound):
    """There is none, or none of the caller's."""

    code = "VALIDATION_REPORT_NOT_FOUND"
    title = "No such report"


def take_report(
    *,
    kind: str,
    message: str,
    context: Mapping[str, str],
    about_request: str,
    actor: Principal,
) -> Report:
    """Keep what ``actor`` reports, without what looks like a secret, an address or a card.

    Commits its own transaction or joins the caller's.
    """
    row = Report(
        id=ids.uuid7(),
        user_id=actor.user_id,
        kind=kind,
        message=_scrubbed(message),
        context={
            name: _scrubbed(str(value)) for name, value in redaction.redacted(dict(context)).items()
        },
        about_request=about_request,
    )

    def take() -> Report:
        row.save(force_insert=True)
        row.refresh_from_db()
        return row

    return db.run_in_transaction(take)


def reports_of(*, kinds: Sequence[str], actor: Principal, asked: PageRequest) -> Page[Report]:
    """Return a page of what the caller reported, newest first."""
    return page_by_id(Report.objects.filter(user_id=actor.user_id, kind__in=kinds), asked)


def get_report(*, report_id: uuid.UUID, kinds: Sequence[str], actor: Principal) -> Report:
    """Return one of the caller's reports.

    Raises:
        ReportNotFound: there is none with this id, or it is somebody else's.
    """
    row = Report.objects.filter(pk=report_id, user_id=actor.user_id, kind__in=kinds).first()
    if row is None:
        raise ReportNotFound("You have no such report.")
    return row


def move_report(*, report_id: uuid.UUID, state: str, answer: str, actor: Principal) -> None:
    """Say what becomes of a report; its sender reads ``answer``. Commits its own transaction.

    Raises:
        PermissionRefused: ``actor`` may not.
        ReportNotFound: there is none with this id.
        DomainError: it is done already.
    """
    actor.require(CHANGE)
    assert state in STATES, "buttons name states that there are"

    def move() -> None:
        row = Report.objects.select_for_update().filter(pk=report_id).first()
        if row is None:
            raise ReportNotFound("There is no such report.")
        if row.state == DONE:
            raise errors.DomainError("This report is done already.")
        Report.objects.filter(pk=report_id, user_id=row.user_id).update(
            state=state, answer=answer, changed_at=clock.now()
        )
        audit.record(
            action=f"report.{state}",
            actor=actor,
            user_id=row.user_id,
            target_type="report",
            target_id=row.pk,
            reason=answer,
        )

    db.run_in_transaction(move)


def _scrubbed(text: str) -> str:
    return _PERSONAL.sub(redaction.REDACTED, redaction.scrubbed(text))
