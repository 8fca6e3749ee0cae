"""What accounts refuse."""

from __future__ import annotations

from core.errors import DomainError, InvalidInput, NotAuthenticated, NotFound


class LoginRefused(NotAuthenticated):
    """Unknown person, wrong password, deactivated: one answer for all of them."""

    code = "AUTH_LOGIN_REFUSED"
    title = "Login refused"


class HashingBusy(DomainError):
    """More passwords arrive than can be checked; nothing was checked, so try again."""

    code = "AUTH_BUSY"
    status = 503
    title = "Too many logins at once"


class LoginClosed(DomainError):
    """Staff shut the door for a while; who is in stays in."""

    code = "AUTH_LOGIN_CLOSED"
    status = 503
    title = "Logging in is closed"


class RegistrationClosed(DomainError):
    """Staff shut the door for a while; invitations still work."""

    code = "ACCOUNT_REGISTRATION_CLOSED"
    status = 503
    title = "Registration is closed"


class PasswordWeak(InvalidInput):
    """Extension ``errors``: one fault for each rule the password breaks."""

    code = "ACCOUNT_PASSWORD_WEAK"
    title = "The password is too weak"


class EmailInvalid(InvalidInput):
    code = "ACCOUNT_EMAIL_INVALID"
    title = "The e-mail address is not valid"


class EmailTaken(DomainError):
    """Only staff hear this; registration answers everybody alike."""

    code = "ACCOUNT_EMAIL_TAKEN"
    title = "The e-mail address belongs to another account"


class AccountNotFound(NotFound):
    code = "ACCOUNT_NOT_FOUND"
    title = "No such account"


class KeyInvalid(NotAuthenticated):
    """Malformed, unknown, expired, revoked, or from elsewhere: the caller is not told which."""

    code = "AUTH_KEY_INVALID"
    title = "The API key is not valid"
    challenge = 'Bearer error="invalid_token"'


class ApiKeyNotFound(NotFound):
    code = "ACCOUNT_API_KEY_NOT_FOUND"
    title = "No such API key"


class ApiKeyEnded(DomainError):
    """A key that was replaced, revoked or has expired cannot be rotated."""

    code = "ACCOUNT_API_KEY_ENDED"
    title = "The API key has ended"


class ApiKeysTooMany(DomainError):
    """Extension ``limit``: how many keys one owner may have that work."""

    code = "ACCOUNT_API_KEYS_TOO_MANY"
    title = "There are too many API keys"


class ScopeBeyondReach(DomainError):
    """A key can do no more than whoever makes it; extension ``scopes``: those refused."""

    code = "ACCOUNT_SCOPE_BEYOND_REACH"
    status = 422
    title = "The scope is not yours to give"


class AudienceUnknown(DomainError):
    code = "AUTH_AUDIENCE_UNKNOWN"
    status = 422
    title = "No token is made for this audience"


class NetworkInvalid(InvalidInput):
    code = "ACCOUNT_NETWORK_INVALID"
    title = "A network is not valid"


class LinkSpent(DomainError):
    """Used, expired, replaced by a newer one, withdrawn or never made."""

    code = "ACCOUNT_LINK_SPENT"
    status = 410
    title = "The link cannot be used any more"


class LinkTooSoon(DomainError):
    """A mail of this kind went out a moment ago."""

    code = "RATE_LINK_TOO_SOON"
    status = 429
    title = "A link was just sent"


class PasswordWrong(InvalidInput):
    """The old password, asked for again, is another one."""

    code = "ACCOUNT_PASSWORD_WRONG"
    title = "The password is wrong"


class OwnAccount(DomainError):
    """Nobody locks, deletes or demotes themself by mistake."""

    code = "ACCOUNT_OWN"
    title = "This is your own account"


class UsernameInvalid(InvalidInput):
    code = "ACCOUNT_USERNAME_INVALID"
    title = "The user name is not valid"


class UsernameTaken(DomainError):
    code = "ACCOUNT_USERNAME_TAKEN"
    title = "The user name belongs to somebody"


class HashUnknown(InvalidInput):
    """No password hash in a notation that can be imported; a plain password is none."""

    code = "ACCOUNT_HASH_UNKNOWN"
    title = "The password hash cannot be imported"


class ImportTooLarge(InvalidInput):
    """Extension ``limit``: how many rows one import may have."""

    code = "ACCOUNT_IMPORT_TOO_LARGE"
    title = "The import has too many rows, or none"


class ImportNotFound(NotFound):
    code = "ACCOUNT_IMPORT_NOT_FOUND"
    title = "No such import"


class FactorRefused(NotAuthenticated):
    """A code or passkey that does not prove it: wrong, used before, or of somebody else."""

    code = "AUTH_FACTOR_REFUSED"
    title = "The second factor was refused"


class ChallengeEnded(NotAuthenticated):
    """Answered, five wrong answers, older than five minutes, or never asked. Log in again."""

    code = "AUTH_CHALLENGE_ENDED"
    title = "The question has ended"


class FactorUnproved(InvalidInput):
    """A new factor is confirmed with a code or answer of its own, and this is not one."""

    code = "ACCOUNT_FACTOR_UNPROVED"
    title = "The new factor could not be confirmed"


class FactorNotFound(NotFound):
    code = "ACCOUNT_FACTOR_NOT_FOUND"
    title = "No such factor"


class FactorsTooMany(DomainError):
    """Extension ``limit``: how many factors a person may have."""

    code = "ACCOUNT_FACTORS_TOO_MANY"
    title = "There are too many factors"


class FactorNeeded(DomainError):
    """The account must have a second factor, and this is, or would have been, the only one."""

    code = "ACCOUNT_FACTOR_NEEDED"
    title = "A second factor is needed"


class EmailVerified(DomainError):
    code = "ACCOUNT_EMAIL_VERIFIED"
    title = "The e-mail address is verified already"


class InvitationNotFound(NotFound):
    code = "ACCOUNT_INVITATION_NOT_FOUND"
    title = "No such open invitation"


class NoticeChanged(DomainError):
    """Nobody agrees to words that they were not shown; extension ``version``: the one in force."""

    code = "ACCOUNT_NOTICE_CHANGED"
    title = "Another version is in force"
