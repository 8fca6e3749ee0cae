"""Crashes, told to Sentry or whatever speaks its protocol: one report each, without secrets.

On with ``SENTRY_DSN``; off, nothing of it is imported. No integration of the library watches by
itself: what is reported is decided here, so nothing is reported twice and no refusal is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from django.conf import settings

from core import context, tracing
from core.redaction import redacted, scrubbed, unquoted
from core.version import VERSION

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

FLUSH_S: Final = 2.0
_NOT_OURS: Final = ("request", "user", "extra", "breadcrumbs", "modules", "server_name")
_state: Final = {"is_on": False}


def start() -> None:
    """Report crashes from now on, if the settings say where to."""
    if not settings.ENV.sentry_dsn:
        return
    import sentry_sdk  # noqa: PLC0415 - optional, and off is free

    sentry_sdk.init(
        dsn=settings.ENV.sentry_dsn,
        release=VERSION,
        environment=settings.ENV.environment,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        max_breadcrumbs=0,
        before_send=_before_send,
    )
    _state["is_on"] = True


def report(exc: BaseException | None) -> None:
    """Report one crash, with the ids that find it in the log."""
    if exc is None or not _state["is_on"]:
        return
    import sentry_sdk  # noqa: PLC0415 - as above

    running = context.current()
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("request_id", running.request_id)
        scope.set_tag("trace_id", tracing.trace_id())
        scope.set_tag("job", running.job)
        sentry_sdk.capture_exception(exc, scope=scope)


def flush() -> None:
    """Send what waits: the process ends."""
    if _state["is_on"]:
        import sentry_sdk  # noqa: PLC0415 - as above

        sentry_sdk.flush(FLUSH_S)


def _before_send(event: Event, _hint: Hint) -> Event:
    """Leave of a report what a crash looks like, not what anybody sent."""
    kept: dict[str, Any] = {key: value for key, value in event.items() if key not in _NOT_OURS}
    for raised in (kept.get("exception") or {}).get("values", ()):
        # Others read it: what any exception quotes may be somebody's. The log says more.
        raised["value"] = unquoted(str(raised.get("value", "")))
    clean: Event = orjson.loads(scrubbed(orjson.dumps(redacted(kept), default=str).decode()))
    return clean
