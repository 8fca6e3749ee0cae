"""What the ledger refuses."""

from __future__ import annotations

from core.errors import DomainError, InvalidInput, NotFound


class LedgerNotFound(NotFound):
    code = "LEDGER_NOT_FOUND"
    title = "No such ledger"


class LedgerCodeTaken(DomainError):
    code = "LEDGER_CODE_TAKEN"
    title = "The ledger code is taken"


class AssetNotFound(NotFound):
    code = "LEDGER_ASSET_NOT_FOUND"
    title = "No such asset"


class AssetCodeTaken(DomainError):
    code = "LEDGER_ASSET_CODE_TAKEN"
    title = "The asset code is taken"


class LedgerAccountNotFound(NotFound):
    """No such ledger account, or not one the caller may use like this."""

    code = "LEDGER_ACCOUNT_NOT_FOUND"
    title = "No such ledger account"


class LedgerAccountCodeTaken(DomainError):
    code = "LEDGER_ACCOUNT_CODE_TAKEN"
    title = "The owner has an account with this code"


class LedgerAccountFrozen(DomainError):
    code = "LEDGER_ACCOUNT_FROZEN"
    title = "The ledger account is frozen"


class LedgerAccountClosed(DomainError):
    code = "LEDGER_ACCOUNT_CLOSED"
    title = "The ledger account is closed"


class LedgerAccountNotEmpty(DomainError):
    code = "LEDGER_ACCOUNT_NOT_EMPTY"
    title = "Only an empty account can be closed"


class MomentArchived(DomainError):
    """Only the sum of that day is left here; extension ``day``."""

    code = "LEDGER_MOMENT_ARCHIVED"
    title = "The entries of that day are in the archive"


class TransactionNotFound(NotFound):
    code = "TXN_NOT_FOUND"
    title = "No such transaction"


class BankStatementInvalid(InvalidInput):
    """A line of an uploaded bank statement cannot be taken; its number is in ``errors``."""

    code = "LEDGER_BANK_STATEMENT_INVALID"
    title = "The bank statement is not valid"


class ReconciliationNotFound(NotFound):
    code = "LEDGER_RECONCILIATION_NOT_FOUND"
    title = "No such reconciliation"


class ReconciliationTooLarge(DomainError):
    code = "LEDGER_RECONCILIATION_TOO_LARGE"
    status = 422
    title = "Too many lines for one reconciliation"


class ReconciliationLineSettled(DomainError):
    """The line matched, or was resolved before."""

    code = "LEDGER_RECONCILIATION_LINE_SETTLED"
    title = "The line is settled"


class TransactionArchived(DomainError):
    """Its month is in the archive; extension ``month``."""

    code = "TXN_ARCHIVED"
    status = 410
    title = "The transaction is in the archive"


class InsufficientFunds(DomainError):
    """The source would fall below its floor, holds counted."""

    code = "TXN_INSUFFICIENT_FUNDS"
    status = 422
    title = "Insufficient funds"


class LimitExceeded(DomainError):
    """The destination would rise above its ceiling."""

    code = "TXN_LIMIT_EXCEEDED"
    status = 422
    title = "The account's upper limit would be exceeded"


class AssetMismatch(DomainError):
    code = "TXN_ASSET_MISMATCH"
    status = 422
    title = "The account holds another asset"


class SameAccount(DomainError):
    code = "TXN_SAME_ACCOUNT"
    status = 422
    title = "Source and destination are the same account"


class BalanceOverflow(DomainError):
    code = "TXN_BALANCE_OVERFLOW"
    status = 422
    title = "A balance would leave the range of 64-bit integers"


class ReferenceTaken(DomainError):
    """References are unique in a ledger for ever."""

    code = "TXN_REFERENCE_TAKEN"
    title = "The reference belongs to another transaction"


class ExpectationFailed(DomainError):
    """An account has moved on since the caller last saw it."""

    code = "TXN_EXPECTATION_FAILED"
    title = "An account is not in the expected state"


class EffectiveAtOutOfRange(InvalidInput):
    code = "TXN_EFFECTIVE_AT_OUT_OF_RANGE"
    title = "The effective date is too far from now"


class SealNotFound(NotFound):
    code = "LEDGER_SEAL_NOT_FOUND"
    title = "No such seal"


class HoldNotFound(NotFound):
    """No such hold, or not one the caller may see."""

    code = "HOLD_NOT_FOUND"
    title = "No such hold"


class HoldNotPending(DomainError):
    """The hold was captured, released or expired before; extension ``hold_status``."""

    code = "HOLD_NOT_PENDING"
    title = "The hold is closed"


class HoldExpired(DomainError):
    """The hold's time is over, whether or not anybody has noticed yet."""

    code = "HOLD_EXPIRED"
    status = 410
    title = "The hold has expired"


class CaptureExceedsHold(DomainError):
    """Extension ``remaining``: what can still be captured."""

    code = "HOLD_CAPTURE_EXCEEDED"
    status = 422
    title = "More than the hold has left"


class ReversalOfReversal(DomainError):
    code = "TXN_REVERSAL_OF_REVERSAL"
    title = "A reversal cannot be reversed"


class AlreadyReversed(DomainError):
    """Nothing is left to give back."""

    code = "TXN_ALREADY_REVERSED"
    title = "The transaction is reversed"


class ReversalExceedsOriginal(DomainError):
    """All reversals of a posting together never pass its amount."""

    code = "TXN_REVERSAL_EXCEEDED"
    status = 422
    title = "More than the original has left"


class PostingNotFound(DomainError):
    """Extension ``posting``: the index that the transaction does not have."""

    code = "TXN_POSTING_NOT_FOUND"
    status = 422
    title = "The transaction has no such posting"


class LinkedRefused(DomainError):
    """Nothing was wrong with this item, but it stands and falls with its neighbours."""

    code = "TXN_LINKED_REFUSED"
    status = 422
    title = "A linked item was refused"


class LinkScattered(InvalidInput):
    code = "TXN_LINK_SCATTERED"
    title = "Items with one link must stand next to each other"


class ScheduleNotFound(NotFound):
    """No such scheduled transaction, or not one the caller may see."""

    code = "TXN_SCHEDULE_NOT_FOUND"
    title = "No such scheduled transaction"


class ScheduleInPast(DomainError):
    code = "TXN_SCHEDULE_IN_PAST"
    status = 422
    title = "The time has passed"


class ScheduleTooFar(DomainError):
    code = "TXN_SCHEDULE_TOO_FAR"
    status = 422
    title = "The time is too far ahead"


class ScheduleClosed(DomainError):
    """It was posted, failed or cancelled before; extension ``schedule_status``."""

    code = "TXN_SCHEDULE_CLOSED"
    title = "The scheduled transaction is closed"


class ScheduleBroken(DomainError):
    """A ``failure_code``: something broke each time it was tried; staff find it in the log."""

    code = "TXN_SCHEDULE_BROKEN"
    status = 500
    title = "The scheduled transaction cannot be posted"


class SameAsset(DomainError):
    code = "TXN_SAME_ASSET"
    status = 422
    title = "Both sides are of one asset"


class AmountNotConvertible(DomainError):
    """The other side of an exchange would be zero, or beyond 64 bits."""

    code = "TXN_AMOUNT_NOT_CONVERTIBLE"
    status = 422
    title = "The amount cannot be converted"
