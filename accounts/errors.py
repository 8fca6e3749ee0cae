"""What accounts refuse."""

from __future__ import annotations

from core.errors import DomainError, InvalidInput, NotAuthenticated, NotFound


class LoginRefused(NotAuthenticated):
    """Unknown person, wrong password, deactivated: one answer for all of them."""

    code = "AUTH_LOGIN_REFUSED"
    title = "Login refused"


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
