"""Cookies from files: what of them may enter a jar, and why the rest may not."""

from __future__ import annotations

import dataclasses
import datetime as dt

from core import ids
from sessions_app.rfc6265 import cookies, hosts
from sessions_app.rfc6265.cookies import Cookie, Ignored, Key, SameSite

_WHITESPACE = " \t"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One cookie as a file says it; a leading dot of ``domain`` means "and below"."""

    name: str
    value: str
    domain: str
    path: str
    secure: bool
    http_only: bool
    same_site: SameSite = "Default"
    ends_s: float | None = None  # seconds since 1970; None is "with the session"
    partition: str = ""


@dataclasses.dataclass(slots=True)
class Reading:
    """What a file holds: cookies, and by their place the entries that are refused."""

    cookies: list[Cookie] = dataclasses.field(default_factory=list)
    faults: list[tuple[int, Ignored]] = dataclasses.field(default_factory=list)

    def take(self, index: int, written: Written, *, at: dt.datetime) -> None:
        """Add the cookie, or the reason why not."""
        try:
            self.cookies.append(cookie_of(written, at=at))
        except Ignored as fault:
            self.faults.append((index, fault))


def cookie_of(written: Written, *, at: dt.datetime) -> Cookie:
    """Return the cookie that ``written`` describes, if a server could have set it.

    Nothing is repaired: what could not come back out of a request as it went in is refused. Only
    a lifetime beyond the limit is cut, as the specification demands (5.5).

    Raises:
        Ignored: with the clause that says so.
    """
    cookies.require_kept_pair(written.name, written.value)
    _require_unsplittable(written)
    key = Key(written.name, *_domain_of(written.domain), _path_of(written.path), written.partition)
    if written.same_site == "None" and not written.secure:
        raise Ignored("COOKIE_SAME_SITE", "5.7 step 19", "SameSite=None needs Secure.")
    if written.partition and not written.secure:
        raise Ignored("COOKIE_PARTITIONED", "CHIPS 2.3", "Partitioned needs Secure.")
    cookies.require_kept_prefix(key, written.value, secure=written.secure)
    return Cookie(
        id=ids.uuid7(),
        key=key,
        value=written.value,
        secure=written.secure,
        http_only=written.http_only,
        same_site=written.same_site,
        expires_at=_end_of(written.ends_s, at),
        created_at=at,
        accessed_at=at,
    )


def _require_unsplittable(written: Written) -> None:
    if ";" in written.name or ";" in written.value:
        raise Ignored("COOKIE_SEMICOLON", "5.6 step 2", "A semicolon would end it.")
    if "=" in written.name:
        raise Ignored("COOKIE_NAME", "5.6 step 3", "An equals sign would end its name.")
    for text in (written.name, written.value):
        if text != text.strip(_WHITESPACE):
            raise Ignored("COOKIE_WHITESPACE", "5.6 step 4", "Space around it would be lost.")


def _domain_of(domain: str) -> tuple[str, bool]:
    """Return the canonical domain and whether it is for this host only."""
    bare = domain.removeprefix(".")
    canonical = hosts.canonical_host(bare)
    if canonical is None or canonical != hosts.ascii_lower(bare):
        raise Ignored("COOKIE_DOMAIN", "5.1.2", "Its domain is no host name.")
    host_only = not domain.startswith(".")
    if not host_only and hosts.is_public_suffix(canonical):
        raise Ignored("COOKIE_PUBLIC_SUFFIX", "5.7 step 9", "Its domain is a public suffix.")
    return canonical, host_only


def _path_of(path: str) -> str:
    if not path.startswith("/") or ";" in path or cookies.CONTROLS.search(path):
        raise Ignored("COOKIE_PATH", "5.6.4", "Its path does not begin with a slash, or is split.")
    if cookies.octets(path) > cookies.ATTRIBUTE_OCTETS_MAX:
        raise Ignored("COOKIE_PATH", "5.6", "Its path is too long.")
    return path


def _end_of(ends_s: float | None, at: dt.datetime) -> dt.datetime | None:
    if ends_s is None:
        return None
    limit = at + cookies.AGE_MAX
    if not ends_s < limit.timestamp():
        return limit
    return dt.datetime.fromtimestamp(max(0.0, ends_s), tz=dt.UTC)
