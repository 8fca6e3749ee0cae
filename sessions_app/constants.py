"""Shape and lifetimes of session tokens."""

from __future__ import annotations

from typing import Final

from core.scopes import Scope

TOKEN_PREFIX: Final = "srs"  # noqa: S105 - what tokens start with, not one of them
# How often a session's last use is written, and how long a cached check is trusted: between two
# such moments a request costs no SQL. Revocation does not wait for it.
LAST_SEEN_PRECISION_S: Final = 60
# Under this name a session of the admin says how much its owner has proved.
ASSURANCE_LEVEL: Final = "assurance_level"
CACHE_TTL_S: Final = LAST_SEEN_PRECISION_S
USER_AGENT_LENGTH_MAX: Final = 512

# A person by the API; a member of staff in the admin, by its cookie only; somebody who has not
# logged in yet; a member of staff who acts as a person; a service, which began it with its key.
KIND_USER: Final = "user"
KIND_STAFF: Final = "staff"
KIND_GUEST: Final = "guest"
KIND_IMPERSONATION: Final = "impersonation"
KIND_SERVICE: Final = "service"
KINDS: Final = (KIND_USER, KIND_STAFF, KIND_GUEST, KIND_IMPERSONATION, KIND_SERVICE)
# What a key begins by the API.
KINDS_OF_KEYS: Final = (KIND_GUEST, KIND_SERVICE)

REFRESH_TOKEN_PREFIX: Final = "srr"  # noqa: S105 - as above
# Short-lived tokens end up to this share earlier, so that not all clients refresh at one moment.
JITTER_PERCENT: Final = 5

# A signing key is published before it signs, and after: who verifies never meets an unknown one.
SIGNING_NEXT: Final = "next"
SIGNING_ACTIVE: Final = "active"
SIGNING_RETIRING: Final = "retiring"
SIGNING_RETIRED: Final = "retired"
SIGNING_STATES: Final = (SIGNING_NEXT, SIGNING_ACTIVE, SIGNING_RETIRING, SIGNING_RETIRED)
SIGNING_STATES_TRUSTED: Final = (SIGNING_ACTIVE, SIGNING_RETIRING)
JWKS_MAX_AGE_S: Final = 300
JWT_LENGTH_MAX: Final = 2_048
# How far the clocks of our own machines may be apart.
CLOCK_LEEWAY_S: Final = 5

IMPERSONATION_REASON_LENGTH_MIN: Final = 10
IMPERSONATION_REASON_LENGTH_MAX: Final = 500

# What an app may keep with a session, as the bytes of its JSON.
DATA_BYTES_MAX: Final = 32_768
PRUNED_AT_ONCE: Final = 1_000

JAR_LABEL_LENGTH_MAX: Final = 100
JARS_PER_OWNER_MAX: Final = 100
JAR_LINES_MAX: Final = 180
JAR_LINE_BYTES_MAX: Final = 16_384
JAR_FILE_BYTES_MAX: Final = 900_000
URL_BYTES_MAX: Final = 8_192
# How exactly a jar knows which cookies were sent last; only eviction asks.
JAR_ACCESS_PRECISION_S: Final = 3_600

SESSIONS_READ: Final = "sessions:read"
COOKIE_NAME_LENGTH_MAX: Final = 128
COOKIE_PURPOSE_LENGTH_MAX: Final = 500
COOKIE_VALUE_BYTES_MAX: Final = 65_536
COOKIE_AGE_S_MAX: Final = 400 * 86_400
COOKIE_TOKEN_LENGTH_MAX: Final = 256
NECESSARY: Final = "necessary"
FUNCTIONAL: Final = "functional"
ANALYTICS: Final = "analytics"
MARKETING: Final = "marketing"
CONSENT_CATEGORIES: Final = (FUNCTIONAL, ANALYTICS, MARKETING)
COOKIE_CATEGORIES: Final = (NECESSARY, *CONSENT_CATEGORIES)
# Issued by an application; our own "stay logged in"; our own "this device needs no second factor".
COOKIE_APP: Final = "app"
COOKIE_REMEMBER: Final = "remember"
COOKIE_DEVICE: Final = "trusted_device"
COOKIE_KINDS: Final = (COOKIE_APP, COOKIE_REMEMBER, COOKIE_DEVICE)
# The definitions behind the last two; the migrations make them, and nobody switches them off.
REMEMBER_NAME: Final = "__Host-remember"
DEVICE_NAME: Final = "__Host-device"
BUILT_IN_NAMES: Final = frozenset({REMEMBER_NAME, DEVICE_NAME})

# By a banner, on a page of settings, taken back, by the browser's Global Privacy Control.
CONSENT_BANNER: Final = "banner"
CONSENT_SETTINGS: Final = "settings"
CONSENT_WITHDRAWAL: Final = "withdrawal"
CONSENT_GPC: Final = "gpc"
CONSENT_MECHANISMS: Final = (CONSENT_BANNER, CONSENT_SETTINGS, CONSENT_WITHDRAWAL, CONSENT_GPC)
CONSENT_SOURCE_LENGTH_MAX: Final = 200
CONSENT_LOCALE_LENGTH_MAX: Final = 35
ANONYMOUS_ID_LENGTH_MIN: Final = 16
ANONYMOUS_ID_LENGTH_MAX: Final = 128
POLICY_TEXT_LENGTH_MAX: Final = 100_000

CONSENTS_READ: Final = "consents:read"
CONSENTS_WRITE: Final = "consents:write"
COOKIES_ISSUE: Final = "cookies:issue"
COOKIES_RESOLVE: Final = "cookies:resolve"
SESSIONS_WRITE: Final = "sessions:write"
SESSIONS_INTROSPECT: Final = "sessions:introspect"
JARS_READ: Final = "jars:read"
JARS_WRITE: Final = "jars:write"
SCOPES: Final = (
    Scope(SESSIONS_READ, "see where its owner is logged in"),
    Scope(CONSENTS_READ, "read who agreed to which cookies"),
    Scope(CONSENTS_WRITE, "write down who agreed to which cookies"),
    Scope(COOKIES_ISSUE, "issue cookies"),
    Scope(COOKIES_RESOLVE, "read what is behind an issued cookie"),
    Scope(SESSIONS_WRITE, "begin sessions for guests and for itself"),
    Scope(SESSIONS_INTROSPECT, "ask whom a token speaks for"),
    Scope(JARS_READ, "read cookie jars and what they would send"),
    Scope(JARS_WRITE, "make, fill and delete cookie jars"),
)
