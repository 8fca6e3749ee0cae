"""Reading sessions and cookies."""

from sessions_app.selectors.consent_faults import consent_faults
from sessions_app.selectors.consents import (
    consents,
    current_policy,
    facts_of_consent,
    live_consent,
    newest_consent,
)
from sessions_app.selectors.cookies import (
    active_definitions,
    definition,
    definitions,
    get_definition,
    get_definition_named,
    live_cookie,
    live_cookies,
    person_of,
)
from sessions_app.selectors.jars import cookie_jars, get_jar, jar_cookies, jar_cookies_near
from sessions_app.selectors.sessions import (
    admin_session,
    current_session,
    facts_of,
    is_of_ended_session,
    live_sessions,
    published_signing_keys,
    refresh_family,
    session_by_id,
    session_of_token,
    staff_session_of_token,
    usable_signing_key,
)

__all__ = [
    "active_definitions",
    "admin_session",
    "consent_faults",
    "consents",
    "cookie_jars",
    "current_policy",
    "current_session",
    "definition",
    "definitions",
    "facts_of",
    "facts_of_consent",
    "get_definition",
    "get_definition_named",
    "get_jar",
    "is_of_ended_session",
    "jar_cookies",
    "jar_cookies_near",
    "live_consent",
    "live_cookie",
    "live_cookies",
    "live_sessions",
    "newest_consent",
    "person_of",
    "published_signing_keys",
    "refresh_family",
    "session_by_id",
    "session_of_token",
    "staff_session_of_token",
    "usable_signing_key",
]
