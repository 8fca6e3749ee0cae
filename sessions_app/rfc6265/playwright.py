"""The ``storageState`` of Playwright: its cookies; what pages keep themselves is not ours.

Playwright has no word for a cookie without SameSite. Browsers treat those as Lax, and so it is
written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final, Literal

from sessions_app.rfc6265.cookies import Cookie, Ignored, SameSite
from sessions_app.rfc6265.files import Reading, Written

SESSION_S: Final = -1
_SAME_SITE: Final[dict[str, SameSite]] = {"Strict": "Strict", "Lax": "Lax", "None": "None"}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "value": (str,),
    "domain": (str,),
    "path": (str,),
    "expires": (int, float),
    "httpOnly": (bool,),
    "secure": (bool,),
    "sameSite": (str,),
}
# Newer versions add these; the second says how a partition came about, which its key implies.
_OPTIONAL: Final[dict[str, tuple[type, ...]]] = {
    "partitionKey": (str,),
    "_crHasCrossSiteAncestor": (bool,),
}


def read(state: dict[str, Any], *, at: dt.datetime) -> Reading:
    """Read a state; a refused cookie is named by its place in ``cookies``."""
    reading = Reading()
    entries = state.get("cookies")
    for index, entry in enumerate(entries if isinstance(entries, list) else [None]):
        fault = _shape_fault(entry)
        if fault:
            reading.faults.append((index, Ignored("COOKIE_ENTRY", "storageState", fault)))
        else:
            reading.take(index, _written(entry), at=at)
    return reading


def write(cookies: Iterable[Cookie]) -> dict[str, Any]:
    """Return the state that ``browser.new_context(storage_state=...)`` takes."""
    return {"cookies": [_entry(cookie) for cookie in cookies], "origins": []}


def _shape_fault(entry: object) -> str:
    if not isinstance(entry, dict):
        return "It is no object."
    missing = set(_TYPES) - set(entry)
    if missing:
        return f"It has no {min(missing)}."
    unknown = set(entry) - set(_TYPES) - set(_OPTIONAL)
    if unknown:
        return f"It has a member that is not known: {min(unknown)}."
    for name, value in entry.items():
        # Not isinstance: true is an int in Python.
        if type(value) not in {**_TYPES, **_OPTIONAL}[name]:
            return f"Its {name} has the wrong type."
    return "" if entry["sameSite"] in _SAME_SITE else "Its sameSite is not Strict, Lax or None."


def _written(entry: dict[str, Any]) -> Written:
    return Written(
        name=entry["name"],
        value=entry["value"],
        domain=entry["domain"],
        path=entry["path"],
        secure=entry["secure"],
        http_only=entry["httpOnly"],
        same_site=_SAME_SITE[entry["sameSite"]],
        ends_s=None if entry["expires"] == SESSION_S else float(entry["expires"]),
        partition=entry.get("partitionKey", ""),
    )


def _entry(cookie: Cookie) -> dict[str, Any]:
    key = cookie.key
    same_site: Literal["Strict", "Lax", "None"]
    same_site = "Lax" if cookie.same_site == "Default" else cookie.same_site
    entry = {
        "name": key.name,
        "value": cookie.value,
        "domain": key.domain if key.host_only else f".{key.domain}",
        "path": key.path,
        "expires": cookie.expires_at.timestamp() if cookie.expires_at else SESSION_S,
        "httpOnly": cookie.http_only,
        "secure": cookie.secure,
        "sameSite": same_site,
    }
    return {**entry, "partitionKey": key.partition} if key.partition else entry
