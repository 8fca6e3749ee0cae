"""What can be done with sessions."""

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
    "authenticate",
    "begin_session",
    "end_current_session",
    "end_other_sessions",
    "end_session",
    "end_sessions_of",
    "forget_cached_sessions",
    "start_session",
]
