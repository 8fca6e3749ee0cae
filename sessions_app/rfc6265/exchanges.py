"""One request with its answer, as far as cookies care (sections 5.2 and 5.8)."""

from __future__ import annotations

import dataclasses
import urllib.parse
from typing import Final

from sessions_app.rfc6265 import hosts

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_SECURE_SCHEMES: Final = frozenset({"https", "wss"})
_SITE_SCHEMES: Final = {"http": "http", "ws": "http", "https": "https", "wss": "https"}


class NotAUrl(Exception):
    """Not an absolute http, https, ws or wss URL with a host."""


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """What matters of a URL: scheme, canonical host and path."""

    scheme: str
    host: str
    path: str

    @property
    def is_secure(self) -> bool:
        """Whether cookies are safe on the way: TLS, or a host that is this machine (5.8.3)."""
        return self.scheme in _SECURE_SCHEMES or _is_this_machine(self.host)

    @property
    def site(self) -> str:
        """The scheme and registrable domain: what "same-site" compares (5.2)."""
        return f"{_SITE_SCHEMES[self.scheme]}://{hosts.registrable_domain(self.host)}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request to ``place``, made by whom and how.

    ``is_same_site`` and ``is_navigation`` (of the whole tab) are what SameSite asks for;
    ``is_http`` is false for scripts (``document.cookie``); ``partition`` is the site in the
    address bar.
    """

    place: Place
    is_same_site: bool = True
    is_navigation: bool = True
    is_safe_method: bool = True
    is_http: bool = True
    partition: str = ""


def place_of(url: str) -> Place:
    """Take ``url`` apart.

    Raises:
        NotAUrl: it is not absolute, has another scheme, or a host that is none.
    """
    if not _is_clean(url):
        raise NotAUrl
    try:
        parts = urllib.parse.urlsplit(url)
        host = hosts.canonical_host(urllib.parse.unquote(parts.hostname or ""))
        parts.port  # noqa: B018 - it raises when the port is none
    except ValueError as exc:
        raise NotAUrl from exc
    if parts.scheme not in _SITE_SCHEMES or host is None:
        raise NotAUrl
    return Place(parts.scheme, host, parts.path or "/")


def exchange_with(
    url: str,
    *,
    method: str = "GET",
    initiator: str | None = None,
    top_level: str | None = None,
    is_navigation: bool = False,
    is_http: bool = True,
) -> Exchange:
    """Describe a request to ``url``.

    ``initiator`` is the page that asks (``None``: the person or program itself, which is never
    cross-site), ``top_level`` the page in the address bar; a navigation puts ``url`` there.

    Raises:
        NotAUrl: one of the URLs is none.
    """
    place = place_of(url)
    asking = place_of(initiator) if initiator is not None else place
    shown = place if is_navigation else place_of(top_level or initiator or url)
    return Exchange(
        place=place,
        is_same_site=place.site == asking.site == shown.site,
        is_navigation=is_navigation,
        is_safe_method=method.upper() in SAFE_METHODS,
        is_http=is_http,
        partition=shown.site,
    )


def _is_clean(url: str) -> bool:
    """urlsplit drops tabs and line ends without a word."""
    return not any(char <= " " or char == "\x7f" for char in url) and "\\" not in url


def _is_this_machine(host: str) -> bool:
    return host in {"localhost", "::1"} or host.endswith(".localhost") or host.startswith("127.")
