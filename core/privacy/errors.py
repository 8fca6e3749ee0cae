"""What privacy refuses."""

from __future__ import annotations

from core.errors import DomainError, NotFound


class ExportNotFound(NotFound):
    """No such copy, not the caller's, not ready, or its link is over: nobody is told which."""

    code = "ACCOUNT_EXPORT_NOT_FOUND"
    title = "No such copy of your data"


class ExportRunning(DomainError):
    code = "ACCOUNT_EXPORT_RUNNING"
    title = "A copy of your data is being made"


class DeletionNotAsked(NotFound):
    code = "ACCOUNT_DELETION_NOT_ASKED"
    title = "There is no open request for deletion"


class DeletionAsked(DomainError):
    code = "ACCOUNT_DELETION_ASKED"
    title = "Deletion was asked for already"


class PersonUnknown(NotFound):
    code = "ACCOUNT_PERSON_UNKNOWN"
    title = "There is no such person"


class ErasureHeld(DomainError):
    """A legal hold keeps the person's data for now."""

    code = "ACCOUNT_ERASURE_HELD"
    title = "A legal hold forbids erasing"


class HoldPlaced(DomainError):
    code = "ACCOUNT_LEGAL_HOLD_PLACED"
    title = "There is a legal hold already"


class HoldNotFound(NotFound):
    code = "ACCOUNT_LEGAL_HOLD_NOT_FOUND"
    title = "There is no open legal hold"


class JournalBroken(Exception):
    """The erasure journal is not what was written; nothing was replayed."""
