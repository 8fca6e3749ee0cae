"""What can be done with sessions and cookies."""

from sessions_app.services.access_tokens import (
    AccessToken,
    authenticate_access_token,
    issue_access_token,
)
from sessions_app.services.consents import Said, forget_consents_of, publish_policy, record_consent
from sessions_app.services.cookie_definitions import change_definition, define_cookie
from sessions_app.services.cookies import (
    Handed,
    Order,
    forget_devices_of,
    issue_cookie,
    resolve_cookie,
    revoke_cookie,
)
from sessions_app.services.counting import note_counts
from sessions_app.services.devices import (
    forget_device,
    remember_device,
    resolve_remembered,
    resume_session,
    trust_device,
    trusted_device,
)
from sessions_app.services.endings import (
    end_all_sessions,
    end_current_session,
    end_everything,
    end_other_sessions,
    end_session,
    end_sessions_of,
    forget_cached_sessions,
)
from sessions_app.services.guests import attach_guest_session, start_guest_session
from sessions_app.services.impersonation import (
    end_impersonation,
    end_impersonations_by,
    start_impersonation,
)
from sessions_app.services.introspection import introspect
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
from sessions_app.services.proofs import finish_proof, prove_again
from sessions_app.services.pruning import prune_sessions
from sessions_app.services.purging import erase_cookies_of, purge_cookies
from sessions_app.services.refresh import Grant, refresh_session, start_refreshed_session
from sessions_app.services.service_sessions import end_sessions_of_key, start_service_session
from sessions_app.services.session_data import merge_session_data
from sessions_app.services.sessions import authenticate, begin_session, replace_token, start_session
from sessions_app.services.signing_keys import published_keys, rotate_signing_keys
from sessions_app.services.subjects import Subject, consent_subject, subject_of

__all__ = [
    "AccessToken",
    "Grant",
    "Handed",
    "Order",
    "Said",
    "Subject",
    "Verdict",
    "attach_guest_session",
    "authenticate",
    "authenticate_access_token",
    "begin_session",
    "change_definition",
    "consent_subject",
    "cookie_header",
    "create_jar",
    "define_cookie",
    "delete_jar",
    "delete_jar_cookie",
    "end_all_sessions",
    "end_current_session",
    "end_everything",
    "end_impersonation",
    "end_impersonations_by",
    "end_other_sessions",
    "end_session",
    "end_sessions_of",
    "end_sessions_of_key",
    "erase_cookies_of",
    "exchange_at",
    "export_netscape",
    "export_playwright",
    "finish_proof",
    "forget_cached_sessions",
    "forget_consents_of",
    "forget_device",
    "forget_devices_of",
    "import_netscape",
    "import_playwright",
    "introspect",
    "issue_access_token",
    "issue_cookie",
    "merge_session_data",
    "note_counts",
    "prove_again",
    "prune_sessions",
    "publish_policy",
    "published_keys",
    "purge_cookies",
    "record_consent",
    "refresh_session",
    "remember_device",
    "replace_token",
    "resolve_cookie",
    "resolve_remembered",
    "resume_session",
    "revoke_cookie",
    "rotate_signing_keys",
    "start_guest_session",
    "start_impersonation",
    "start_refreshed_session",
    "start_service_session",
    "start_session",
    "store_cookies",
    "subject_of",
    "trust_device",
    "trusted_device",
]
