"""Which e-mail address is whose."""

from __future__ import annotations

import dataclasses
import re
import unicodedata

import email_validator

from accounts import constants, errors


@dataclasses.dataclass(frozen=True, slots=True)
class Email:
    """An address in its two forms."""

    address: str
    normalized: str


def normalize_email(email: str) -> str:
    """Return the form of ``email`` that decides who is who; see :func:`read_email`.

    Raises:
        EmailInvalid: not an address.
    """
    return read_email(email).normalized


def read_email(email: str) -> Email:
    """Return the form of ``email`` that mails go to, and the one that decides who is who.

    Normalising (NFKC) comes before validating, or a look-alike of ``@`` would be judged as a
    letter. Only the part before the ``@`` is case folded: IDNA has already given each domain one
    form, and folding would make one of two domains (``ß`` and ``ss``).

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
    folded = unicodedata.normalize("NFKC", checked.local_part.casefold())
    return Email(address=checked.normalized, normalized=f"{folded}@{checked.domain}")


def comparable_email(email: str) -> str:
    """Return the normalised ``email``, or an empty string for what is no address."""
    try:
        return normalize_email(email)
    except errors.EmailInvalid:
        return ""


def comparable_login_name(name: str) -> str:
    """Return the normalised form of an e-mail address or a user name; empty for what is neither."""
    plain = unicodedata.normalize("NFKC", name)
    if "@" in plain:
        return comparable_email(plain)
    return plain.casefold() if re.fullmatch(constants.USERNAME, plain) else ""
