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

JAR_LABEL_LENGTH_MAX: Final = 100
JARS_PER_OWNER_MAX: Final = 100
JAR_LINES_MAX: Final = 180
JAR_LINE_BYTES_MAX: Final = 16_384
JAR_FILE_BYTES_MAX: Final = 900_000
URL_BYTES_MAX: Final = 8_192
# How exactly a jar knows which cookies were sent last; only eviction asks.
JAR_ACCESS_PRECISION_S: Final = 3_600

SESSIONS_READ: Final = "sessions:read"
JARS_READ: Final = "jars:read"
JARS_WRITE: Final = "jars:write"
SCOPES: Final = (
    Scope(SESSIONS_READ, "see where its owner is logged in"),
    Scope(JARS_READ, "read cookie jars and what they would send"),
    Scope(JARS_WRITE, "make, fill and delete cookie jars"),
)
