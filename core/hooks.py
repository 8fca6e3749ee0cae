"""Where an app may hear of what another did, without either importing the other.

An app registers in its ``AppConfig.ready``; the caller fires by name. Listeners run in the
caller's transaction, in the order they registered; an exception in one undoes the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

AFTER_MIGRATE: Final = "after_migrate"
# user_id, in the commit that makes the person.
USER_CREATED: Final = "user_created"
# user_id, is_active: in the commit that locks somebody out or lets them in.
USER_ACCESS_CHANGED: Final = "user_access_changed"
# key_id, user_id, actor: in the commit that revokes an API key.
API_KEY_REVOKED: Final = "api_key_revoked"
# Nothing: somebody reads the metrics; set the gauges that are counted in the database.
METRICS_READ: Final = "metrics_read"
# user_id, actor, reason, kept_session_id: in the commit after which no login of the person counts
# any more, but for the one session that is kept, if any.
LOGINS_ENDED: Final = "logins_ended"
# user_id, template, and the mail's facts: mail a person, whose address core does not know.
TELL_PERSON: Final = "tell_person"
# user_id: in the commit that leaves nothing of a person but what must be kept.
USER_ERASED: Final = "user_erased"
# user_id, in the commit that changes what the person must prove at a fresh login.
FACTORS_CHANGED: Final = "factors_changed"

# Nothing: a month is about to leave for the archive; derive from it what is still to be derived.
MONTH_LEAVING: Final = "month_leaving"
# archive, using: in the transaction that drops the rows, while they are still there.
MONTH_ARCHIVED: Final = "month_archived"
# archive, using: in the transaction that brought the rows back.
MONTH_RESTORED: Final = "month_restored"
# Nothing: this process has read other runtime settings than those it knew.
SETTINGS_CHANGED: Final = "settings_changed"
# Nothing: a worker takes up a job.
JOB_STARTS: Final = "job_starts"
# connection, watermark: return control totals of what had ended for good below the watermark.
TOTALS_READ: Final = "totals_read"
# Nothing: this database was just brought back from a backup, before anybody uses it again.
DATABASE_RESTORED: Final = "database_restored"

_listeners: dict[str, list[Callable[..., Any]]] = defaultdict(list)


def listen(event: str, listener: Callable[..., Any]) -> None:
    """Call ``listener`` whenever ``event`` is fired; registering twice changes nothing."""
    if listener not in _listeners[event]:
        _listeners[event].append(listener)


def fire(event: str, **facts: Any) -> list[Any]:
    """Tell every listener of ``event``; return what they returned."""
    return [listener(**facts) for listener in _listeners[event]]
