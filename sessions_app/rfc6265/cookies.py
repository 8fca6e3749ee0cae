"""What a user agent keeps of one cookie (section 5.7)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import uuid
from typing import Final, Literal, NamedTuple

PAIR_OCTETS_MAX: Final = 4_096
ATTRIBUTE_OCTETS_MAX: Final = 1_024
AGE_MAX: Final = dt.timedelta(days=400)
CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

SameSite = Literal["Strict", "Lax", "None", "Default"]
SAME_SITE: Final[tuple[SameSite, ...]] = ("Strict", "Lax", "None", "Default")


class Ignored(Exception):
    """A cookie that a user agent must not keep; ``clause`` is the section that says so."""

    def __init__(self, code: str, clause: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.clause = clause
        self.why = why


class Key(NamedTuple):
    """What makes two cookies the same one (5.7, step 23; partition by CHIPS)."""

    name: str
    domain: str
    host_only: bool
    path: str
    partition: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One stored cookie; without ``expires_at`` it lives as long as the session."""

    id: uuid.UUID
    key: Key
    value: str
    secure: bool
    http_only: bool
    same_site: SameSite
    expires_at: dt.datetime | None
    created_at: dt.datetime
    accessed_at: dt.datetime

    def is_expired(self, at: dt.datetime) -> bool:
        """Return whether the cookie is over ``at`` that moment."""
        return self.expires_at is not None and self.expires_at <= at

    def pair(self) -> str:
        """Return what a request says of it (5.8.3, step 6)."""
        return f"{self.key.name}={self.value}" if self.key.name else self.value


def octets(text: str) -> int:
    """Return how long ``text`` is on the wire."""
    return len(text.encode())


def require_kept_pair(name: str, value: str) -> None:
    """Refuse a name and value that no user agent keeps (5.7, steps 2 to 4).

    Raises:
        Ignored: empty, with control characters, or too long.
    """
    if CONTROLS.search(name) or CONTROLS.search(value):
        raise Ignored("COOKIE_CONTROL_CHARACTER", "5.6", "It holds a control character.")
    if not name and not value:
        raise Ignored("COOKIE_EMPTY", "5.7 step 2", "It has neither a name nor a value.")
    if octets(name) + octets(value) > PAIR_OCTETS_MAX:
        raise Ignored(
            "COOKIE_TOO_LARGE",
            "5.6 step 5",
            f"Name and value have more than {PAIR_OCTETS_MAX} octets together.",
        )


def require_kept_prefix(key: Key, value: str, *, secure: bool, has_path: bool = True) -> None:
    """Refuse a cookie whose name promises what it does not keep (5.7, steps 20 to 22).

    Prefixes count in any case. ``has_path`` is whether the path was said or only followed from
    the URL.

    Raises:
        Ignored: a broken promise, or one hidden in the value of a nameless cookie.
    """
    name = key.name.lower()
    if not name and value.lower().startswith(("__secure-", "__host-")):
        raise Ignored("COOKIE_PREFIX", "5.7 step 22", "Without a name, its value is a prefix.")
    if name.startswith(("__secure-", "__host-")) and not secure:
        raise Ignored("COOKIE_PREFIX", "5.7 step 20", "This prefix needs Secure.")
    if name.startswith("__host-") and not (key.host_only and has_path and key.path == "/"):
        raise Ignored("COOKIE_PREFIX", "5.7 step 21", "__Host- needs Path=/ and no Domain.")
