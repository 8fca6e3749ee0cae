"""How Mozilla's HTTP Observatory would score a page, offline.

The facts are those of algorithm version 6 as published in MDN's "HTTP Observatory tests and
scoring" (developer.mozilla.org/en-US/observatory/docs/tests_and_scoring) and in
github.com/mdn/mdn-http-observatory: a page begins with 100, each test takes away or adds, and what
adds counts only for whoever has 90 without it. Only the outcomes that this service could meet are
told apart; everything else counts as the worst outcome of its test.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

EXTRA_CREDIT_FROM = 90
SIX_MONTHS_S = 15_552_000
STRANGE_ORIGIN = "https://http-observatory.example"
_BROAD = frozenset({"*", "http:", "https:", "ftp:", "http://*", "https://*"})
_INLINE = frozenset({"'unsafe-inline'", "data:"})
_OPENER_POLICIES = frozenset({"same-origin", "same-origin-allow-popups", "noopener-allow-popups"})
_PRIVATE = frozenset(
    {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the Observatory looks at: a page over https, its preflight, and the way from http."""

    headers: Mapping[str, str]
    body: str
    cookies: Sequence[str]
    preflight: Mapping[str, str]
    sent_on_to: Sequence[str]


def score(seen: Seen) -> tuple[int, dict[str, int]]:
    """Return the score of a page, and what each test took or added."""
    found = {name: judge(seen) for name, judge in _TESTS.items()}
    without_extra = 100 + sum(number for number in found.values() if number < 0)
    if without_extra < EXTRA_CREDIT_FROM:
        return max(0, without_extra), found
    return 100 + sum(found.values()), found


def directives(policy: str) -> dict[str, frozenset[str]]:
    """Return the directives of a Content-Security-Policy; of two with one name the first holds."""
    parts = [part.split() for part in policy.split(";") if part.strip()]
    return {name.lower(): frozenset(sources) for name, *sources in reversed(parts)}


def _content_security_policy(seen: Seen) -> int:
    rules = directives(seen.headers.get("content-security-policy", ""))
    if not rules:
        return -25
    rest = rules.get("default-src", frozenset("*"))
    scripts, objects, styles = (
        rules.get(name, rest) for name in ("script-src", "object-src", "style-src")
    )
    every = frozenset().union(*rules.values())
    if (scripts & (_BROAD | _INLINE)) or (objects & _BROAD):
        return -20
    if any(source.startswith(("http:", "ftp:")) for source in every):
        return -20
    if "'unsafe-eval'" in scripts | styles:
        return -10
    if styles & (_BROAD | _INLINE):
        return 0
    return 10 if rest == {"'none'"} else 5


def _cookies(seen: Seen) -> int:
    if not seen.cookies:
        return 0
    for cookie in seen.cookies:
        name = cookie.partition("=")[0].lower()
        flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
        is_session = "sess" in name or "login" in name
        if "secure" not in flags:
            return -40
        if is_session and "httponly" not in flags:
            return -30
        if not flags & {"samesite=lax", "samesite=strict"}:
            return -20
    return 5


def _cross_origin_resource_sharing(seen: Seen) -> int:
    allowed = seen.preflight.get("access-control-allow-origin", "")
    with_credentials = seen.preflight.get("access-control-allow-credentials", "").lower() == "true"
    return -50 if allowed == STRANGE_ORIGIN and with_credentials else 0


def _redirection(seen: Seen) -> int:
    """http must lead to https of the same host, at once."""
    if not seen.sent_on_to or not seen.sent_on_to[-1].startswith("https://"):
        return -20
    return 0 if seen.sent_on_to[0].startswith("https://") else -10


def _referrer_policy(seen: Seen) -> int:
    policy = seen.headers.get("referrer-policy", "")
    if not policy:
        return 0
    return 5 if policy.split(",")[-1].strip().lower() in _PRIVATE else -5


def _strict_transport_security(seen: Seen) -> int:
    """Being on the browsers' preload list would add 5: no test can show that."""
    found = re.search(r"max-age=(\d+)", seen.headers.get("strict-transport-security", ""))
    if found is None:
        return -20
    return 0 if int(found[1]) >= SIX_MONTHS_S else -10


def _subresource_integrity(seen: Seen) -> int:
    """Scripts of other hosts need a hash; those of the page's own host do not."""
    if not seen.headers.get("content-type", "").startswith("text/html"):
        return 0
    sources = re.findall(r"<script[^>]*\ssrc=[\"']?([^\"'>\s]+)", seen.body)
    return -50 if any(re.match(r"(\w+:)?//", source) for source in sources) else 0


def _x_content_type_options(seen: Seen) -> int:
    return 0 if seen.headers.get("x-content-type-options", "").lower() == "nosniff" else -5


def _x_frame_options(seen: Seen) -> int:
    if "frame-ancestors" in directives(seen.headers.get("content-security-policy", "")):
        return 5
    return 5 if seen.headers.get("x-frame-options", "").lower() in {"deny", "sameorigin"} else -20


def _cross_origin_resource_policy(seen: Seen) -> int:
    policy = seen.headers.get("cross-origin-resource-policy", "")
    return {"same-origin": 10, "same-site": 10, "cross-origin": 0, "": 0}.get(policy.lower(), -5)


def _cross_origin_opener_policy(seen: Seen) -> int:
    policy = seen.headers.get("cross-origin-opener-policy", "").lower()
    if policy in {"", "unsafe-none"}:
        return 0
    return 10 if policy in _OPENER_POLICIES else -5


def _cross_origin_embedder_policy(seen: Seen) -> int:
    policy = seen.headers.get("cross-origin-embedder-policy", "").lower()
    if policy in {"", "unsafe-none"}:
        return 0
    return 10 if policy in {"require-corp", "credentialless"} else -5


_TESTS: dict[str, Callable[[Seen], int]] = {
    "content-security-policy": _content_security_policy,
    "cookies": _cookies,
    "cross-origin-resource-sharing": _cross_origin_resource_sharing,
    "redirection": _redirection,
    "referrer-policy": _referrer_policy,
    "strict-transport-security": _strict_transport_security,
    "subresource-integrity": _subresource_integrity,
    "x-content-type-options": _x_content_type_options,
    "x-frame-options": _x_frame_options,
    "cross-origin-resource-policy": _cross_origin_resource_policy,
    "cross-origin-opener-policy": _cross_origin_opener_policy,
    "cross-origin-embedder-policy": _cross_origin_embedder_policy,
}
