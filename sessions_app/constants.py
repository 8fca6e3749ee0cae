"""Shape and lifetimes of session tokens."""

from __future__ import annotations

from typing import Final

from core.scopes import Scope

TOKEN_PREFIX: Final = "srs"  # noqa: S105 - what tokens start with, not one of them
# How often a session's last use is written, and how long a cached check is trusted: between two
# such moments a request costs no SQL. Revocation does not wait for it.
LAST_SEEN_PRECISION_S: Final = 60
CACHE_TTL_S: Final = LAST_SEEN_PRECISION_S
USER_AGENT_LENGTH_MAX: Final = 512

KIND_USER: Final = "user"
KIND_STAFF: Final = "staff"
KINDS: Final = (KIND_USER, KIND_STAFF)

SESSIONS_READ: Final = "sessions:read"
SCOPES: Final = (Scope(SESSIONS_READ, "see where its owner is logged in"),)
