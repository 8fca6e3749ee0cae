"""Reading ``Set-Cookie`` (section 5.6)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator
from typing import Final

from sessions_app.rfc6265 import cookies
from sessions_app.rfc6265.cookies import Ignored, SameSite
from sessions_app.rfc6265.dates import parse_cookie_date
from sessions_app.rfc6265.hosts import ascii_lower

_WHITESPACE: Final = " \t"
_SECONDS: Final = re.compile(r"-?[0-9]+")
_SAME_SITE: Final[dict[str, SameSite]] = {"none": "None", "strict": "Strict", "lax": "Lax"}


@dataclasses.dataclass(slots=True)
class Received:
    """One parsed line; of attributes said twice, the last one counts."""

    name: str
    value: str
    expires_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None  # by Max-Age, which wins
    domain: str = ""
    path: str | None = None
    secure: bool = False
    http_only: bool = False
    same_site: SameSite = "Default"
    partitioned: bool = False


def parse_set_cookie(line: str, *, at: dt.datetime) -> Received:
    """Parse the value of one ``Set-Cookie`` field, received ``at`` that moment.

    An empty ``path`` in the result means that the default path was asked for.

    Raises:
        Ignored: control characters, nothing in it, or too much.
    """
    if cookies.CONTROLS.search(line):
        raise Ignored("COOKIE_CONTROL_CHARACTER", "5.6 step 1", "It holds a control character.")
    pair, _, attributes = line.partition(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    received = Received(name.strip(_WHITESPACE), value.strip(_WHITESPACE))
    cookies.require_kept_pair(received.name, received.value)
    for attribute, said in _attributes(attributes):
        _apply(received, attribute, said, at)
    return received


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(";"):
        attribute, _, said = part.partition("=")
        said = said.strip(_WHITESPACE)
        if cookies.octets(said) <= cookies.ATTRIBUTE_OCTETS_MAX:
            yield ascii_lower(attribute.strip(_WHITESPACE)), said


def _apply(received: Received, attribute: str, said: str, at: dt.datetime) -> None:
    if attribute == "expires":
        date = parse_cookie_date(said)
        if date is not None:
            received.expires_at = min(date, at + cookies.AGE_MAX)
    elif attribute == "max-age":
        if _SECONDS.fullmatch(said):
            received.ends_at = _end_after(said, at)
    elif attribute == "domain":
        received.domain = ascii_lower(said.removeprefix("."))
    elif attribute == "path":
        received.path = said if said.startswith("/") else ""
    elif attribute == "samesite":
        received.same_site = _SAME_SITE.get(ascii_lower(said), "Default")
    elif attribute in _FLAGS:
        setattr(received, _FLAGS[attribute], True)


_FLAGS: Final = {"secure": "secure", "httponly": "http_only", "partitioned": "partitioned"}


def _end_after(seconds: str, at: dt.datetime) -> dt.datetime:
    """Return the end of ``Max-Age``; zero and less end it at once (5.6.2)."""
    limit = int(cookies.AGE_MAX.total_seconds())
    # More digits than the limit has are more than the limit: nothing needs a number that long.
    digits = seconds.lstrip("-").lstrip("0")
    age_s = limit if len(digits) > len(str(limit)) else min(int(digits or 0), limit)
    if seconds.startswith("-") or age_s == 0:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
    return at + dt.timedelta(seconds=age_s)
