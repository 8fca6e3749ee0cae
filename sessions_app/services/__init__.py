"""What can be done with sessions."""

from sessions_app.services.endings import (
    end_all_sessions,
    end_current_session,
    end_other_sessions,
    end_session,
    forget_cached_sessions,
)
from sessions_app.services.refresh import Grant, refresh_session, start_refreshed_session
from sessions_app.services.sessions import authenticate, begin_session, replace_token, start_session

__all__ = [
    "Grant",
    "authenticate",
    "begin_session",
    "end_all_sessions",
    "end_current_session",
    "end_other_sessions",
    "end_session",
    "forget_cached_sessions",
    "refresh_session",
    "replace_token",
    "start_refreshed_session",
    "start_session",
]
