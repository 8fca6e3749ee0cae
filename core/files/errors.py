"""Why a file is not taken."""

from __future__ import annotations

from core.errors import DomainError, NotFound


class FileNotFound(NotFound):
    code = "VALIDATION_FILE_NOT_FOUND"
    title = "No such file"


class FileTooLarge(DomainError):
    """Extension ``bytes_max`` is what one file may have."""

    code = "VALIDATION_FILE_TOO_LARGE"
    status = 413
    title = "The file is too large"


class FileTypeRefused(DomainError):
    """The content is of no type that is taken, whatever its name and header say."""

    code = "VALIDATION_FILE_TYPE_REFUSED"
    status = 422
    title = "Files of this type are not accepted"


class FileInfected(DomainError):
    code = "VALIDATION_FILE_INFECTED"
    status = 422
    title = "The scanner refused the file"


class FileQuotaExceeded(DomainError):
    """Extensions ``quota_bytes`` and ``used_bytes``."""

    code = "VALIDATION_FILE_QUOTA_EXCEEDED"
    status = 422
    title = "There is no room for the file"


class ScannerUnavailable(DomainError):
    """Nothing is taken unseen."""

    code = "EXTERNAL_SCANNER_UNAVAILABLE"
    status = 502
    title = "Files cannot be scanned now"


class ScannerTooSlow(DomainError):
    """Nothing is taken unseen."""

    code = "EXTERNAL_SCANNER_TIMEOUT"
    status = 504
    title = "The scanner did not answer in time"
