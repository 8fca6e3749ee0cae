"""The cookies.txt of Netscape, as curl, wget and browsers' extensions write it.

Seven fields between tabs: domain, whether hosts below it are meant, path, HTTPS only, the end in
seconds since 1970, name, value. ``#HttpOnly_`` before the domain is curl's. A cookie that ends with
the session ends at 0; Python's http.cookiejar takes that for 1970 and wants the field empty, which
curl cannot read. The format knows neither SameSite nor partitions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Final

from sessions_app.rfc6265.cookies import Cookie, Ignored
from sessions_app.rfc6265.files import Reading, Written

HEAD: Final = "# Netscape HTTP Cookie File\n"
HTTP_ONLY: Final = "#HttpOnly_"
_FIELDS: Final = 7
_BOOLEANS: Final = {"TRUE": True, "FALSE": False}
_SECONDS: Final = re.compile(r"[0-9]{0,15}")
ENDS_WITH_SESSION: Final = "0"
ENDS_WITH_SESSION_IN_PYTHON: Final = ""


def read(text: str, *, at: dt.datetime) -> Reading:
    """Read a whole file; a refused entry is named by its line, the first being 0."""
    reading = Reading()
    for index, line in enumerate(text.split("\n")):
        entry = line.removesuffix("\r")
        if not entry.strip() or (entry.startswith("#") and not entry.startswith(HTTP_ONLY)):
            continue
        written = _written(entry)
        if written is None:
            fault = Ignored("COOKIE_LINE", "cookies.txt", "The line does not have seven fields.")
            reading.faults.append((index, fault))
        else:
            reading.take(index, written, at=at)
    return reading


def write(cookies: Iterable[Cookie], *, ends_with_session: str = ENDS_WITH_SESSION) -> str:
    """Return the file; what it cannot say is left out and counted in a comment."""
    lines, left_out = [], 0
    for cookie in cookies:
        fields = _fields(cookie, ends_with_session)
        if cookie.key.partition or any("\t" in field for field in fields):
            left_out += 1
        else:
            lines.append("\t".join(fields) + "\n")
    note = f"# {left_out} cookies are left out: partitioned, or with a tab.\n" if left_out else ""
    return HEAD + note + "".join(lines)


def _written(entry: str) -> Written | None:
    http_only = entry.startswith(HTTP_ONLY)
    fields = entry.removeprefix(HTTP_ONLY).split("\t")
    if len(fields) != _FIELDS:
        return None
    domain, below, path, secure, ends, name, value = fields
    if below not in _BOOLEANS or secure not in _BOOLEANS or not _SECONDS.fullmatch(ends):
        return None
    return Written(
        name=name,
        value=value,
        domain=f".{domain.removeprefix('.')}" if _BOOLEANS[below] else domain.removeprefix("."),
        path=path,
        secure=_BOOLEANS[secure],
        http_only=http_only,
        ends_s=int(ends or 0) or None,
    )


def _fields(cookie: Cookie, ends_with_session: str) -> tuple[str, ...]:
    key = cookie.key
    domain = key.domain if key.host_only else f".{key.domain}"
    return (
        (HTTP_ONLY if cookie.http_only else "") + domain,
        "FALSE" if key.host_only else "TRUE",
        key.path,
        "TRUE" if cookie.secure else "FALSE",
        str(int(cookie.expires_at.timestamp())) if cookie.expires_at else ends_with_session,
        key.name,
        cookie.value,
    )
