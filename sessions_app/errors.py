"""What sessions refuse."""

from __future__ import annotations

from core.errors import DomainError, InvalidInput, NotAuthenticated, NotFound


class TokenInvalid(NotAuthenticated):
    """Malformed, unknown, expired or revoked: the caller is not told which."""

    code = "AUTH_TOKEN_INVALID"
    title = "The session token is not valid"
    challenge = 'Bearer error="invalid_token"'


class SessionNotFound(NotFound):
    code = "SESSION_NOT_FOUND"
    title = "No such session"


class JarNotFound(NotFound):
    code = "COOKIE_JAR_NOT_FOUND"
    title = "No such cookie jar"


class JarExists(DomainError):
    """Extension ``jar_id`` is the one with this label."""

    code = "COOKIE_JAR_EXISTS"
    title = "There is a jar with this label"


class TooManyJars(DomainError):
    code = "COOKIE_TOO_MANY_JARS"
    status = 422
    title = "No more jars can be made"


class CookieUrlInvalid(DomainError):
    code = "COOKIE_URL_INVALID"
    status = 422
    title = "Not a URL that cookies can belong to"


class CookiesRefused(DomainError):
    """Extension ``errors`` says of each cookie why, and by which clause of RFC 6265bis."""

    code = "COOKIE_REFUSED"
    status = 422
    title = "A cookie was refused"


class SessionDataTooLarge(DomainError):
    code = "SESSION_DATA_TOO_LARGE"
    status = 413
    title = "The session data is too large"


class SessionDataInvalid(InvalidInput):
    """Something in it cannot be kept as it is: a NUL character, or too long a number."""

    code = "SESSION_DATA_INVALID"
    title = "The session data cannot be kept"


class ImpersonationRefused(DomainError):
    """Staff, deactivated people and the house are never acted as."""

    code = "AUTH_IMPERSONATION_REFUSED"
    status = 403
    title = "Nobody acts as this person"


class TokenExpired(NotAuthenticated):
    """A token of ours whose own time is over, while what it speaks for may go on: renew it."""

    code = "AUTH_TOKEN_EXPIRED"
    title = "The token has expired"
    challenge = 'Bearer error="invalid_token", error_description="expired"'


class RefreshRefused(NotAuthenticated):
    """Malformed, forged, expired, ended or used before (OAuth's ``invalid_grant``)."""

    code = "AUTH_REFRESH_REFUSED"
    title = "The refresh token is not valid"
    challenge = 'Bearer error="invalid_token"'


class CsrfFailed(DomainError):
    """A cookie came with an unsafe request, but no proof that the page sending it is ours."""

    code = "AUTH_CSRF_FAILED"
    status = 403
    title = "CSRF verification failed"


class SigningKeyTooNew(DomainError):
    """Only operators hear this; extension ``ready_at``."""

    code = "AUTH_SIGNING_KEY_TOO_NEW"
    title = "The next signing key is too new"


class DefinitionNotFound(NotFound):
    code = "COOKIE_DEFINITION_NOT_FOUND"
    title = "No such cookie is defined"


class DefinitionExists(DomainError):
    code = "COOKIE_DEFINITION_EXISTS"
    title = "A cookie with this name is defined"


class DefinitionInvalid(DomainError):
    """Browsers would refuse such a cookie, or keep it unsafely; extension ``errors`` lists why."""

    code = "COOKIE_DEFINITION_INVALID"
    status = 422
    title = "The cookie would not be kept as meant"


class DefinitionBuiltIn(DomainError):
    code = "COOKIE_DEFINITION_BUILT_IN"
    status = 422
    title = "This cookie is the service's own"


class DefinitionRetired(DomainError):
    code = "COOKIE_DEFINITION_RETIRED"
    title = "This cookie is not issued any more"


class SubjectRefused(DomainError):
    code = "COOKIE_SUBJECT_REFUSED"
    status = 422
    title = "Not for this caller to name"


class CookieLifetimeTooLong(DomainError):
    code = "COOKIE_LIFETIME"
    status = 422
    title = "The cookie may not live so long"


class CookieInvalid(NotAuthenticated):
    """Malformed, forged, unknown, expired, revoked or used before: the caller is not told which."""

    code = "COOKIE_INVALID"
    title = "The cookie is not valid"


class CookieNotFound(NotFound):
    code = "COOKIE_NOT_FOUND"
    title = "No such cookie"


class ConsentMissing(DomainError):
    """Extension ``category`` is what the person has not agreed to."""

    code = "COOKIE_CONSENT_MISSING"
    title = "There is no consent to this cookie"


class PolicyMissing(DomainError):
    code = "COOKIE_POLICY_MISSING"
    title = "No cookie policy has been published"


class PolicyChanged(DomainError):
    """Extension ``version`` is the one to show."""

    code = "COOKIE_POLICY_CHANGED"
    title = "The cookie policy is another one now"


class ConsentContradicts(DomainError):
    code = "COOKIE_CONSENT_CONTRADICTS"
    status = 422
    title = "The choices contradict how they were made"
