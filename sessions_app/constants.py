"""Shape and lifetimes of session tokens."""

from __future__ import annotations

from typing import Final

from core.scopes import Scope

TOKEN_PREFIX: Final = "srs"  # noqa: S105 - what tokens start with, not one of them
TOKEN_SECRET_BYTES: Final = 32
# How often a session's last use is written, and how long a cached check is trusted: between two
# such moments a request costs no SQL. Revocation does not wait for it.
LAST_SEEN_PRECISION_S: Final = 60
CACHE_TTL_S: Final = LAST_SEEN_PRECISION_S
USER_AGENT_LENGTH_MAX: Final = 512

# A person by the API; a member of staff in the admin, by its cookie only; somebody who has not
# logged in yet; a member of staff who acts as a person.
KIND_USER: Final = "user"
KIND_STAFF: Final = "staff"
KIND_GUEST: Final = "guest"
KIND_IMPERSONATION: Final = "impersonation"
KINDS: Final = (KIND_USER, KIND_STAFF, KIND_GUEST, KIND_IMPERSONATION)

REFRESH_TOKEN_PREFIX: Final = "srr"  # noqa: S105 - as above
# Short-lived tokens end up to this share earlier, so that not all clients refresh at one moment.
JITTER_PERCENT: Final = 5

IMPERSONATION_REASON_LENGTH_MIN: Final = 10
IMPERSONATION_REASON_LENGTH_MAX: Final = 500

SESSIONS_READ: Final = "sessions:read"
SCOPES: Final = (Scope(SESSIONS_READ, "see where its owner is logged in"),)
