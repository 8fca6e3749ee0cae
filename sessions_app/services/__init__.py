"""What can be done with sessions and cookies."""

from sessions_app.services.access_tokens import (
    AccessToken,
    authenticate_access_token,
    issue_access_token,
)
from sessions_app.services.endings import (
    end_all_sessions,
    end_current_session,
    end_other_sessions,
    end_session,
    end_sessions_of,
    forget_cached_sessions,
)
from sessions_app.services.jar_files import (
    export_netscape,
    export_playwright,
    import_netscape,
    import_playwright,
)
from sessions_app.services.jars import (
    Verdict,
    cookie_header,
    create_jar,
    delete_jar,
    delete_jar_cookie,
    exchange_at,
    store_cookies,
)
from sessions_app.services.refresh import Grant, refresh_session, start_refreshed_session
from sessions_app.services.sessions import authenticate, begin_session, replace_token, start_session
from sessions_app.services.signing_keys import published_keys, rotate_signing_keys

__all__ = [
    "AccessToken",
    "Grant",
    "Verdict",
    "authenticate",
    "authenticate_access_token",
    "begin_session",
    "cookie_header",
    "create_jar",
    "delete_jar",
    "delete_jar_cookie",
    "end_all_sessions",
    "end_current_session",
    "end_other_sessions",
    "end_session",
    "end_sessions_of",
    "exchange_at",
    "export_netscape",
    "export_playwright",
    "forget_cached_sessions",
    "import_netscape",
    "import_playwright",
    "issue_access_token",
    "published_keys",
    "refresh_session",
    "replace_token",
    "rotate_signing_keys",
    "start_refreshed_session",
    "start_session",
    "store_cookies",
]
