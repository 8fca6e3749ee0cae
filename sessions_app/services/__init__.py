"""What can be done with sessions and cookies."""

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
from sessions_app.services.sessions import (
    authenticate,
    begin_session,
    end_current_session,
    end_other_sessions,
    end_session,
    end_sessions_of,
    forget_cached_sessions,
    start_session,
)

__all__ = [
    "Verdict",
    "authenticate",
    "begin_session",
    "cookie_header",
    "create_jar",
    "delete_jar",
    "delete_jar_cookie",
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
    "start_session",
    "store_cookies",
]
