"""JSON log lines, one object each, whoever writes: we, Django, gunicorn, the worker."""

from __future__ import annotations

import hashlib
import json
import logging
import logging.config
import sys
import threading
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger
from typing_extensions import override

from core import context, tracing
from core.redaction import REDACTED, promises_secret, redacted, scrubbed, without_quotes

SESSION_HASH_LENGTH: Final = 12
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
# Without the local variables of the frames: they hold passwords and tokens.
_as_dicts: Final = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
# A job of ours says itself how it went, in core.jobs.
_SAID_BY_JOBS: Final = frozenset(
    {"start_job", "job_success", "job_error", "job_error_retry", "periodic_deferrer_deferring"}
)


def configure(settings: dict[str, Any]) -> None:
    """Django's ``LOGGING_CONFIG``: send every record through one JSON formatter."""
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(as_dict_config(**settings))
    logging.captureWarnings(capture=True)
    # No line says it, so nobody looks for it ("Optimization" in Python's logging HOWTO).
    logging._srcfile = None  # noqa: SLF001 - as documented there
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def catch_what_nobody_caught() -> None:
    """Log what ends a process or a thread of a server as one line instead of a traceback."""

    def log_it(
        kind: type[BaseException], exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if exc is not None and issubclass(kind, Exception):
            structlog.get_logger(__name__).error("crashed", exc_info=(kind, exc, trace))

    sys.excepthook = log_it
    threading.excepthook = lambda args: log_it(args.exc_type, args.exc_value, args.exc_traceback)


def as_dict_config(*, level: str, stream: str, file: str = "") -> dict[str, Any]:
    """Return the standard library's logging configuration; gunicorn starts with it too."""
    to_file = {"class": "core.log_lines.SharedFile", "filename": file}
    to_stream = {"class": "core.log_lines.SharedStream", "stream": stream}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": OneLine,
                "foreign_pre_chain": _shared(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_to_text(),
                ],
            }
        },
        "filters": {"ours": {"()": "core.logs.NotSaidByJobs"}},
        "handlers": {
            "lines": {**(to_file if file else to_stream), "formatter": "json", "filters": ["ours"]}
        },
        "root": {"level": level, "handlers": ["lines"]},
        "loggers": {
            # Refusals are in the access line; only crashes are worth a second line.
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "ERROR"},
            "procrastinate.blueprints": {"level": "WARNING"},
            "procrastinate.periodic": {"level": "WARNING"},
            "psycopg.pool": {"level": "ERROR"},
            "gunicorn.error": {"level": level, "propagate": True, "handlers": []},
            "gunicorn.access": {"level": "ERROR", "propagate": False, "handlers": []},
        },
    }


class OneLine(structlog.stdlib.ProcessorFormatter):
    """Makes one line of a record; of one of ours without first copying it for other formatters."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if not hasattr(record, "_name"):
            return super().format(record)
        # As structlog's ``wrap_for_formatter`` has left it: the whole event.
        line: Any = dict(record.msg)  # type: ignore[arg-type]  # a dict, not a text
        for processor in self.processors[1:]:
            line = processor(None, record.levelname, line)
        return str(line)


class NotSaidByJobs(logging.Filter):
    """Drops what procrastinate says of a job: :mod:`core.jobs` says it once, with its context."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is to be written."""
        return getattr(record, "action", None) not in _SAID_BY_JOBS


def set_level(level: str) -> None:
    """Log from ``level`` on, from the next line."""
    for name in (None, "gunicorn.error"):
        logging.getLogger(name).setLevel(level)


def _shared() -> list[Any]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _add_context,
        _redact,
    ]


def _add_context(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    running = context.current()
    if not running.request_id:
        return event
    event.setdefault("request_id", running.request_id)
    if trace_id := tracing.trace_id():
        event.setdefault("trace_id", trace_id)
    if running.job:
        event.setdefault("job", running.job)
        event.setdefault("job_id", running.job_id)
    if running.command:
        event.setdefault("command", running.command)
    if principal := running.principal:
        event.setdefault("user_id", str(principal.user_id))
        event.setdefault("principal", principal.kind)
        if principal.session_id:
            # Enough to find the lines of one session, nothing to find the session by.
            digest = hashlib.sha256(principal.session_id.bytes).hexdigest()
            event.setdefault("session", digest[:SESSION_HASH_LENGTH])
    return event


def _redact(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Replace values under names that promise a secret, however deep."""
    for key, value in event.items():
        if promises_secret(key):
            event[key] = REDACTED
        elif isinstance(value, dict | list | tuple) and key != "exc_info":
            event[key] = redacted(value)
    return event


def _to_text() -> list[Any]:
    return [structlog.processors.ExceptionRenderer(_without_values), _as_json, _scrub]


def _as_json(logger: WrappedLogger, name: str, event: EventDict) -> str:
    """Return one line whatever it holds: all that is not ASCII is escaped, line ends included."""
    try:
        line = orjson.dumps(event, default=repr)
    except TypeError:
        # Half a surrogate pair, or a number of more than 64 bits.
        line = b""
    if line and line.isascii():
        return line.decode()
    return json.dumps(event, default=repr, separators=(",", ":"))


def _without_values(exc_info: Any) -> list[dict[str, Any]]:
    """Render a traceback; of the database's own words, only those that quote nothing."""
    raised = _as_dicts(exc_info)
    for one in raised:
        one["exc_value"] = without_quotes(one["exc_value"], one["exc_type"])
    return raised


def _scrub(logger: WrappedLogger, name: str, line: str) -> str:
    """Hide what looks like a secret, even in the words of somebody else's exception."""
    return scrubbed(line)
