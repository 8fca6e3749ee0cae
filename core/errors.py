"""The errors that services raise on purpose. They know nothing of HTTP but their status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from typing_extensions import override


class DomainError(Exception):
    """A rule said no. Anything else that escapes a service is a bug and becomes a 500.

    ``code`` is part of the public API: codes are added, never renamed. ``extensions`` become
    members of the problem document (RFC 9457, section 3.2).
    """

    code: ClassVar[str] = "VALIDATION_CONFLICT"
    status: ClassVar[int] = 409
    title: ClassVar[str] = "The request conflicts with a rule"

    def __init__(self, detail: str, *, retry_after_s: int | None = None, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.extensions = extensions

    @override
    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class NotFound(DomainError):
    """No such object, or none that the caller may know of."""

    code = "VALIDATION_NOT_FOUND"
    status = 404
    title = "No such resource"


class InvalidInput(DomainError):
    """A value that a serializer's shape cannot judge, such as a cursor.

    Extension ``errors``: list of ``{pointer, code, detail}``.
    """

    code = "VALIDATION_FAILED"
    status = 400
    title = "The request is not valid"


class MalformedBody(DomainError):
    code = "VALIDATION_JSON_INVALID"
    status = 400
    title = "The body is not valid JSON"


class BodyRequired(MalformedBody):
    code = "VALIDATION_BODY_REQUIRED"
    title = "A JSON body is required"


class BodyNotObject(MalformedBody):
    code = "VALIDATION_BODY_NOT_OBJECT"
    title = "The body must be a JSON object"


class DuplicateKey(MalformedBody):
    code = "VALIDATION_JSON_DUPLICATE_KEY"
    title = "An object names a member twice"


class NumberTooLong(MalformedBody):
    code = "VALIDATION_JSON_NUMBER_TOO_LONG"
    title = "A number has too many digits"


class TooDeep(MalformedBody):
    code = "VALIDATION_JSON_TOO_DEEP"
    title = "The body is nested too deeply"


class LoneSurrogate(MalformedBody):
    code = "VALIDATION_TEXT_INVALID"
    title = "A text is not valid Unicode"


class CharsetUnreadable(MalformedBody):
    """The bytes are UTF-16 or UTF-32: 400, because the declared media type was right."""

    code = "VALIDATION_CHARSET_UNSUPPORTED"
    title = "The body must be UTF-8"


class CharsetUnsupported(DomainError):
    code = "VALIDATION_CHARSET_UNSUPPORTED"
    status = 415
    title = "The body must be UTF-8"


class EncodingUnsupported(DomainError):
    code = "VALIDATION_ENCODING_UNSUPPORTED"
    status = 415
    title = "Compressed request bodies are not accepted"


class BodyTooLarge(DomainError):
    code = "VALIDATION_BODY_TOO_LARGE"
    status = 413
    title = "The request body is too large"


class ClientTooSlow(DomainError):
    code = "TIMEOUT_CLIENT"
    status = 408
    title = "The request came too slowly"


class PreconditionRequired(DomainError):
    code = "VALIDATION_PRECONDITION_REQUIRED"
    status = 428
    title = "If-Match is required"


class PreconditionFailed(DomainError):
    code = "VALIDATION_ETAG_MISMATCH"
    status = 412
    title = "The resource has changed"


class PaginationInvalid(InvalidInput):
    code = "VALIDATION_PAGINATION_INVALID"
    title = "The page asked for is not valid"


class FilterUnknown(InvalidInput):
    code = "VALIDATION_FILTER_UNKNOWN"
    title = "The list cannot be filtered like this"


class HeaderInvalid(InvalidInput):
    """A header that was sent does not have its form; it is refused, never ignored."""

    code = "VALIDATION_HEADER_INVALID"
    title = "A request header is not valid"


class HostInvalid(InvalidInput):
    code = "VALIDATION_HOST_INVALID"
    title = "The Host header is not valid"


class VersionMismatch(InvalidInput):
    """``API-Version`` names another version than the path, which is the truth."""

    code = "VALIDATION_VERSION_MISMATCH"
    title = "API-Version and the path name different versions"


class VersionGone(DomainError):
    code = "VALIDATION_VERSION_GONE"
    status = 410
    title = "This version of the API was removed"


class HttpsRequired(DomainError):
    """Refused, not redirected: the credential would already have crossed the wire in clear."""

    code = "VALIDATION_HTTPS_REQUIRED"
    status = 403
    title = "Use https"


class PermissionRefused(DomainError):
    code = "AUTH_FORBIDDEN"
    status = 403
    title = "Not allowed"


class NotAuthenticated(DomainError):
    """No credential, or none that is valid now. ``challenge`` becomes WWW-Authenticate."""

    code = "AUTH_REQUIRED"
    status = 401
    title = "Authentication required"
    challenge: str = "Bearer"


class ScopeMissing(DomainError):
    """A key may do only what its scopes name; extension ``scope`` is the one it lacks."""

    code = "AUTH_SCOPE_MISSING"
    status = 403
    title = "The key lacks a scope"


class StepUpRequired(NotAuthenticated):
    """The login is valid but too old, or too weak, for this (RFC 9470); extension ``max_age_s``."""

    code = "AUTH_STEP_UP_REQUIRED"
    title = "A fresh login is required"

    def __init__(self, detail: str, *, max_age_s: int) -> None:
        super().__init__(detail, max_age_s=max_age_s)
        self.challenge = f'Bearer error="insufficient_user_authentication", max_age={max_age_s}'


class PasswordChangeRequired(DomainError):
    """The password came from somebody else: nothing is open but what replaces it."""

    code = "AUTH_PASSWORD_CHANGE_REQUIRED"
    status = 403
    title = "Choose a password of your own first"


class FactorRequired(DomainError):
    """The account must have a second factor and has none: nothing is open but what adds one."""

    code = "AUTH_FACTOR_REQUIRED"
    status = 403
    title = "Add a second factor first"


class IdempotencyKeyMissing(DomainError):
    code = "IDEMPOTENCY_KEY_MISSING"
    status = 400
    title = "Idempotency-Key is required"


class IdempotencyKeyInvalid(DomainError):
    code = "IDEMPOTENCY_KEY_INVALID"
    status = 400
    title = "Idempotency-Key is not valid"


class IdempotencyKeyReused(DomainError):
    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422
    title = "The Idempotency-Key was used for another request"


class IdempotencyInProgress(DomainError):
    code = "IDEMPOTENCY_IN_PROGRESS"
    status = 409
    title = "A request with this Idempotency-Key is still running"


class RateLimited(DomainError):
    """Too many in too short a time; ``Retry-After`` says when it is worth trying again."""

    code = "RATE_LIMITED"
    status = 429
    title = "Too many requests"


class DatabaseUnavailable(DomainError):
    code = "DB_UNAVAILABLE"
    status = 503
    title = "The database cannot be reached"


class DatabaseBusy(DomainError):
    """The transaction kept losing against others (40001, 40P01, 55P03)."""

    code = "DB_BUSY"
    status = 503
    title = "The data is in heavy use"


class StorageFull(DomainError):
    code = "DB_STORAGE_FULL"
    status = 503
    title = "The database has no room left"


class ValueTaken(DomainError):
    """A unique constraint without a better name of its own (23505)."""

    code = "DB_VALUE_TAKEN"
    status = 409
    title = "A value is already taken"


class ReferenceMissing(DomainError):
    """A foreign key without a better name of its own (23503)."""

    code = "DB_REFERENCE_MISSING"
    status = 409
    title = "Something this refers to does not exist, or still refers to it"


class RuleViolated(DomainError):
    """A CHECK constraint without a better name of its own (23514)."""

    code = "DB_RULE_VIOLATED"
    status = 422
    title = "A value breaks a rule of the data"


class NumberOutOfRange(DomainError):
    code = "DB_NUMBER_OUT_OF_RANGE"
    status = 422
    title = "A number leaves the range that can be stored"


class NotReady(DomainError):
    """This instance should not be sent work now; extension ``checks`` says what is missing."""

    code = "DB_NOT_READY"
    status = 503
    title = "Not ready"


class RequestTimeout(DomainError):
    """The request's deadline passed; nothing was committed."""

    code = "TIMEOUT_REQUEST"
    status = 504
    title = "The request took too long"


def registered_errors() -> list[type[DomainError]]:
    """Return every error class of the loaded apps, ordered by code (for docs and checks)."""
    return sorted(set(_descendants(DomainError)), key=lambda error: (error.code, error.__name__))


def _descendants(root: type[DomainError]) -> Iterator[type[DomainError]]:
    yield root
    for child in root.__subclasses__():
        yield from _descendants(child)
