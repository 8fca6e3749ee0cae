"""Writing ``Set-Cookie`` so that every browser keeps the cookie as it was meant (section 4.1)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

from sessions_app.rfc6265 import cookies, hosts
from sessions_app.rfc6265.cookies import AGE_MAX, Ignored, Key, SameSite

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_PATH: Final = re.compile(r"/[\x20-\x3a\x3c-\x7e]*")
_PREFIXES: Final = ("__Host-", "__Secure-")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """How a cookie is to be kept."""

    domain: str = ""
    path: str = "/"
    secure: bool = True
    http_only: bool = True
    same_site: SameSite = "Lax"
    partitioned: bool = False
    max_age_s: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one attribute, and where the specification says so."""

    attribute: str
    code: str
    clause: str
    detail: str


def faults_of(name: str, value: str, attributes: Attributes) -> list[Fault]:
    """Return everything that keeps a browser from keeping this cookie, or keeping it safe."""
    return [
        *_name_faults(name),
        *_value_faults(name, value),
        *_place_faults(attributes),
        *_promise_faults(name, value, attributes),
    ]


def set_cookie(name: str, value: str, attributes: Attributes) -> str:
    """Return the value of ``Set-Cookie``.

    Only what :func:`faults_of` finds nothing in: anything else would be a bug of the caller's.
    """
    assert not faults_of(name, value, attributes), "a cookie that browsers refuse"
    parts = [f"{name}={value}"]
    if attributes.domain:
        parts.append(f"Domain={attributes.domain}")
    parts.append(f"Path={attributes.path}")
    if attributes.max_age_s is not None:
        parts.append(f"Max-Age={attributes.max_age_s}")
    if attributes.secure:
        parts.append("Secure")
    if attributes.http_only:
        parts.append("HttpOnly")
    if attributes.same_site != "Default":
        parts.append(f"SameSite={attributes.same_site}")
    if attributes.partitioned:
        parts.append("Partitioned")
    return "; ".join(parts)


def _name_faults(name: str) -> Iterator[Fault]:
    if not _TOKEN.fullmatch(name):
        yield Fault(
            "name", "COOKIE_NAME", "4.1.1", "A name has letters, digits and !#$%&'*+.^_`|~-."
        )
    for prefix in _PREFIXES:
        if name.lower().startswith(prefix.lower()) and not name.startswith(prefix):
            detail = f"Write the prefix as {prefix}: servers that compare exactly miss it."
            yield Fault("name", "COOKIE_PREFIX", "4.1.3", detail)


def _value_faults(name: str, value: str) -> Iterator[Fault]:
    if not _VALUE.fullmatch(value):
        detail = "Controls, spaces, quotes, commas, semicolons and backslashes are not allowed."
        yield Fault("value", "COOKIE_VALUE", "4.1.1", detail)
    if cookies.octets(name) + cookies.octets(value) > cookies.PAIR_OCTETS_MAX:
        detail = f"Name and value have more than {cookies.PAIR_OCTETS_MAX} octets together."
        yield Fault("name", "COOKIE_TOO_LARGE", "5.6 step 5", detail)


def _place_faults(attributes: Attributes) -> Iterator[Fault]:
    domain, age_s = attributes.domain, attributes.max_age_s
    if domain and (hosts.canonical_host(domain) != domain or hosts.is_address(domain)):
        yield Fault("domain", "COOKIE_DOMAIN", "4.1.2.3", "Not a host name in lower case.")
    elif domain and hosts.is_public_suffix(domain):
        detail = "A public suffix: the cookie would be everybody's there."
        yield Fault("domain", "COOKIE_PUBLIC_SUFFIX", "5.7 step 9", detail)
    if not _PATH.fullmatch(attributes.path) or len(attributes.path) > cookies.ATTRIBUTE_OCTETS_MAX:
        detail = "A path begins with a slash and has no semicolon, at most 1,024 characters."
        yield Fault("path", "COOKIE_PATH", "4.1.2.4", detail)
    if age_s is not None and not 0 <= age_s <= AGE_MAX.total_seconds():
        yield Fault("max_age_s", "COOKIE_LIFETIME", "5.5", "A cookie lives at most 400 days.")


def _promise_faults(name: str, value: str, attributes: Attributes) -> Iterator[Fault]:
    if attributes.same_site == "None" and not attributes.secure:
        yield Fault("secure", "COOKIE_SAME_SITE", "5.7 step 19", "SameSite=None needs Secure.")
    if attributes.partitioned and not attributes.secure:
        yield Fault("secure", "COOKIE_PARTITIONED", "CHIPS 2.3", "Partitioned needs Secure.")
    key = Key(name, attributes.domain, not attributes.domain, attributes.path, "")
    try:
        cookies.require_kept_prefix(key, value, secure=attributes.secure)
    except Ignored as ignored:
        yield Fault("name", ignored.code, ignored.clause, ignored.why)
