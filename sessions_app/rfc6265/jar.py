"""Keeping cookies and choosing those to send (sections 5.7 and 5.8.3)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import Final

from core import ids
from sessions_app.rfc6265 import cookies, hosts, paths
from sessions_app.rfc6265.cookies import Cookie, Ignored, Key
from sessions_app.rfc6265.exchanges import Exchange
from sessions_app.rfc6265.set_cookie import Received, parse_set_cookie

PER_DOMAIN_MAX: Final = 180
PER_JAR_MAX: Final = 3_000


class Jar:
    """The cookies of one user agent, by what makes them the same."""

    def __init__(self, kept: Iterable[Cookie] = ()) -> None:
        self.cookies: dict[Key, Cookie] = {cookie.key: cookie for cookie in kept}

    def receive(self, line: str, exchange: Exchange, *, at: dt.datetime) -> Cookie:
        """Keep what one ``Set-Cookie`` line of ``exchange`` says; return it.

        A cookie that has expired already is returned too, but only removes the one it replaces.

        Raises:
            Ignored: the line is not to be kept; the jar is as before.
        """
        received = parse_set_cookie(line, at=at)
        cookie = _made_from(received, exchange, at)
        _require_welcome(cookie, received, exchange)
        self._require_nothing_overlaid(cookie, exchange)
        self.put(cookie, at=at, is_http=exchange.is_http)
        return self.cookies.get(cookie.key, cookie)

    def put(self, cookie: Cookie, *, at: dt.datetime, is_http: bool = True) -> None:
        """Insert ``cookie``, or update the one it is the same as (5.7, steps 23 and 24).

        Raises:
            Ignored: a script may not replace what was hidden from scripts.
        """
        old = self.cookies.pop(cookie.key, None)
        if old is not None:
            if old.http_only and not is_http:
                self.cookies[old.key] = old
                raise Ignored("COOKIE_HTTP_ONLY", "5.7 step 23.2", "The kept one is HttpOnly.")
            cookie = dataclasses.replace(cookie, id=old.id, created_at=old.created_at)
        if not cookie.is_expired(at):
            self.cookies[cookie.key] = cookie

    def choose(self, exchange: Exchange, *, at: dt.datetime) -> list[Cookie]:
        """Return what to send with ``exchange``, in the order to send it (5.8.3)."""
        chosen = [
            cookie
            for cookie in self.cookies.values()
            if not cookie.is_expired(at) and is_sent(cookie, exchange)
        ]
        return sorted(chosen, key=lambda one: (-len(one.key.path), one.created_at, one.id))

    def evict(self, *, at: dt.datetime) -> None:
        """Remove what is expired, then what is too much (5.7, "remove excess cookies")."""
        self._keep(cookie for cookie in self.cookies.values() if not cookie.is_expired(at))
        crowded = {
            domain
            for domain, count in Counter(key.domain for key in self.cookies).items()
            if count > PER_DOMAIN_MAX
        }
        for domain in crowded:
            sharing = [cookie for cookie in self.cookies.values() if cookie.key.domain == domain]
            sharing.sort(key=lambda one: (one.secure, one.accessed_at, one.id))
            self._drop(sharing[: len(sharing) - PER_DOMAIN_MAX])
        if len(self.cookies) > PER_JAR_MAX:
            everything = sorted(self.cookies.values(), key=lambda one: (one.accessed_at, one.id))
            self._drop(everything[: len(everything) - PER_JAR_MAX])

    def _require_nothing_overlaid(self, cookie: Cookie, exchange: Exchange) -> None:
        """5.7, step 16: what came in the clear hides no Secure cookie of the same name."""
        if cookie.secure or exchange.place.is_secure:
            return
        for kept in self.cookies.values():
            if (
                kept.secure
                and kept.key.name == cookie.key.name
                and _share_a_domain(kept.key.domain, cookie.key.domain)
                and paths.path_matches(cookie.key.path, kept.key.path)
            ):
                raise Ignored("COOKIE_OVERLAYS_SECURE", "5.7 step 16", "It hides a Secure cookie.")

    def _keep(self, kept: Iterable[Cookie]) -> None:
        self.cookies = {cookie.key: cookie for cookie in kept}

    def _drop(self, dropped: Iterable[Cookie]) -> None:
        for cookie in dropped:
            del self.cookies[cookie.key]


def header_of(chosen: Iterable[Cookie]) -> str:
    """Return the value of ``Cookie``; empty when there is nothing to send."""
    return "; ".join(cookie.pair() for cookie in chosen)


def is_sent(cookie: Cookie, exchange: Exchange) -> bool:
    """Return whether a request like ``exchange`` carries ``cookie`` (5.8.3, step 3)."""
    place, key = exchange.place, cookie.key
    if key.host_only:
        belongs = place.host == key.domain
    else:
        belongs = hosts.domain_matches(place.host, key.domain) and not hosts.is_public_suffix(
            key.domain
        )
    return (
        belongs
        and paths.path_matches(place.path, key.path)
        and (place.is_secure or not cookie.secure)
        and (exchange.is_http or not cookie.http_only)
        and key.partition in ("", exchange.partition)
        and _site_allows(cookie, exchange)
    )


def _site_allows(cookie: Cookie, exchange: Exchange) -> bool:
    if exchange.is_same_site or cookie.same_site == "None":
        return True
    return (
        cookie.same_site != "Strict"
        and exchange.is_http
        and exchange.is_safe_method
        and exchange.is_navigation
    )


def _made_from(received: Received, exchange: Exchange, at: dt.datetime) -> Cookie:
    """Make the cookie (5.7, steps 5 to 12)."""
    domain = _domain_asked_for(received, exchange)
    path = received.path or paths.default_path(exchange.place.path)
    return Cookie(
        id=ids.uuid7(),
        key=Key(
            received.name,
            domain or exchange.place.host,
            not domain,
            path,
            exchange.partition if received.partitioned else "",
        ),
        value=received.value,
        secure=received.secure,
        http_only=received.http_only,
        same_site=received.same_site,
        expires_at=received.ends_at or received.expires_at,
        created_at=at,
        accessed_at=at,
    )


def _domain_asked_for(received: Received, exchange: Exchange) -> str:
    """Return the domain, empty for "this host only" (5.7, steps 7 to 10)."""
    domain, host = received.domain, exchange.place.host
    if not domain:
        return ""
    if not domain.isascii():
        raise Ignored("COOKIE_DOMAIN", "5.7 step 8", "Its Domain is not ASCII.")
    if hosts.is_public_suffix(domain):
        if domain != host:
            raise Ignored("COOKIE_PUBLIC_SUFFIX", "5.7 step 9", "Its Domain is a public suffix.")
        return ""
    if not hosts.domain_matches(host, domain):
        raise Ignored("COOKIE_DOMAIN", "5.7 step 10", "Its Domain is not one of this host's.")
    return domain


def _require_welcome(cookie: Cookie, received: Received, exchange: Exchange) -> None:
    """5.7, steps 13 to 22, but 16; and Partitioned."""
    if cookie.secure and not exchange.place.is_secure:
        raise Ignored("COOKIE_SECURE", "5.7 step 13", "Secure cannot come over plain HTTP.")
    if cookie.http_only and not exchange.is_http:
        raise Ignored("COOKIE_HTTP_ONLY", "5.7 step 15", "A script cannot set HttpOnly.")
    if cookie.same_site != "None" and not exchange.is_same_site:
        if not (exchange.is_http and exchange.is_navigation):
            raise Ignored("COOKIE_SAME_SITE", "5.7 step 18", "It came with a cross-site request.")
    elif cookie.same_site == "None" and not cookie.secure:
        raise Ignored("COOKIE_SAME_SITE", "5.7 step 19", "SameSite=None needs Secure.")
    if received.partitioned and not cookie.secure:
        raise Ignored("COOKIE_PARTITIONED", "CHIPS 2.3", "Partitioned needs Secure.")
    cookies.require_kept_prefix(
        cookie.key, cookie.value, secure=cookie.secure, has_path=received.path is not None
    )


def _share_a_domain(one: str, other: str) -> bool:
    return hosts.domain_matches(one, other) or hosts.domain_matches(other, one)
