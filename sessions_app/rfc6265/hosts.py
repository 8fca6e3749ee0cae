"""Host names, public suffixes and sites (sections 5.1.2, 5.1.3 and 5.2)."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import Final

import idna
from publicsuffixlist import PublicSuffixList

HOST_LENGTH_MAX: Final = 253
# Underscores are not LDH, but hosts are named so, and browsers send them cookies.
_ASCII_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def canonical_host(host: str) -> str | None:
    """Return ``host`` in lower case with A-labels, or ``None`` when it is no host name."""
    if is_address(host):
        return ipaddress.ip_address(host).compressed
    labels = [_canonical_label(label) for label in host.split(".")]
    if not all(labels):
        return None
    name = ".".join(label for label in labels if label)
    return name if len(name) <= HOST_LENGTH_MAX else None


def is_address(host: str) -> bool:
    """Return whether ``host`` is an IP address; no suffix of it is a domain."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def domain_matches(host: str, domain: str) -> bool:
    """Return whether ``host`` is ``domain`` or below it; both are canonical."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def domains_of(host: str) -> list[str]:
    """Return every domain that ``host`` matches, itself first."""
    if is_address(host):
        return [host]
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def is_public_suffix(domain: str) -> bool:
    """Return whether a registry, and nobody alone, controls ``domain``, as with ``co.uk``."""
    return not is_address(domain) and bool(_suffixes().is_public(domain))


def registrable_domain(host: str) -> str:
    """Return the public suffix of ``host`` with one label more; addresses stand for themselves."""
    return host if is_address(host) else _suffixes().privatesuffix(host) or host


def ascii_lower(text: str) -> str:
    """Lower A to Z and nothing else: U+212A must not become a k."""
    return text.encode().lower().decode()


def _canonical_label(label: str) -> str | None:
    lowered = ascii_lower(label)
    try:
        if lowered.startswith("xn--"):
            return idna.alabel(idna.ulabel(lowered)).decode()
        if not lowered.isascii():
            return idna.encode(lowered, uts46=True).decode()
    except idna.IDNAError:
        return None
    return lowered if _ASCII_LABEL.fullmatch(lowered) else None


@functools.cache
def _suffixes() -> PublicSuffixList:
    """The list that comes with the package: nothing is fetched."""
    return PublicSuffixList()
