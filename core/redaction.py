"""Which names promise a secret, how secrets look, and how what they hold is hidden."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

import psycopg
from django.db import utils as django_errors

REDACTED: Final = "***"
SECRET_NAME: Final = re.compile(
    r"password|token|secret|authorization|cookie|api_?key|credential|otp|validator", re.IGNORECASE
)
# Longer than a UUID, a slug or a number: what somebody put into an address by mistake.
PATH_SEGMENT_MAX: Final = 36
_SECRETS: Final = re.compile(
    # Tokens and API keys of ours; JWTs; signing secrets of webhooks; what follows Bearer or Basic;
    # the password in an address.
    r"\b[a-z]{2,4}_[A-Za-z0-9_-]{22}[A-Za-z0-9_-]*"
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\bwhsec_[A-Za-z0-9+/=_-]+"
    r"|\b(?:Bearer|Basic) [^\s\"'\\]+"
    r"|(?<=://)[^\s/@:\"]*:[^\s/@\"]+(?=@)"
)
# No secret is without one of these, and most lines are without any: they are found much faster.
_SECRET_MARK: Final = re.compile(r"_[A-Za-z0-9_-]{22}|eyJ|whsec_|Bearer |Basic |://")
# What PostgreSQL refuses, it quotes: values of people.
_DATABASE_ERRORS: Final = frozenset(
    name for module in (psycopg.errors, django_errors) for name in vars(module)
)
_QUOTED: Final = re.compile(r'"[^"]*"|\'[^\']*\'|=\(.*\)')
_LONG_SEGMENT: Final = re.compile(rf"[^/]{{{PATH_SEGMENT_MAX + 1},}}")


def redacted(value: Any, *, name: str = "") -> Any:
    """Return ``value`` (JSON) with everything under a secret's name replaced, however deep."""
    if name and promises_secret(name):
        return REDACTED
    if isinstance(value, dict):
        return {key: redacted(inner, name=str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(inner) for inner in value]
    return value


# The names in the lines of a log are few; whatever else comes is forgotten again.
@functools.lru_cache(maxsize=1_024)
def promises_secret(name: str) -> bool:
    """Return whether what is called so is not for other eyes."""
    return SECRET_NAME.search(name) is not None


def scrubbed(text: str) -> str:
    """Return ``text`` without whatever looks like a secret, wherever it came from."""
    return _SECRETS.sub(REDACTED, text) if _SECRET_MARK.search(text) else text


def without_quotes(words: str, exception: str) -> str:
    """Return the words of an exception; of the database's own, only what quotes nothing."""
    return unquoted(words) if exception in _DATABASE_ERRORS else words


def unquoted(words: str) -> str:
    """Return the first line of ``words`` without what it quotes."""
    return _QUOTED.sub("...", words.partition("\n")[0])


def shown_path(path: str) -> str:
    """Return the path of a request without segments that no address of ours has."""
    return _LONG_SEGMENT.sub(REDACTED, path)
