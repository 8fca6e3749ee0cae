"""Which e-mail address is whose."""

from __future__ import annotations

import unicodedata

import email_validator

from accounts import errors


def normalize_email(email: str) -> str:
    """Return the form of ``email`` that decides who is who: NFKC, valid, case folded.

    Normalising comes before validating, or a look-alike of ``@`` would be judged as a letter.

    Raises:
        EmailInvalid: not an address.
    """
    try:
        checked = email_validator.validate_email(
            unicodedata.normalize("NFKC", email), check_deliverability=False
        )
    except email_validator.EmailNotValidError as exc:
        detail = "Must be an e-mail address."
        fault = {"pointer": "#/email", "code": errors.EmailInvalid.code, "detail": detail}
        raise errors.EmailInvalid(detail, errors=[fault]) from exc
    return unicodedata.normalize("NFKC", checked.normalized.casefold())


def comparable_email(email: str) -> str:
    """Return the normalised ``email``, or an empty string for what is no address."""
    try:
        return normalize_email(email)
    except errors.EmailInvalid:
        return ""
