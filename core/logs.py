"""JSON log lines, one object each, whoever writes: we, Django, gunicorn, the worker."""

from __future__ import annotations

import logging
import logging.config
from typing import Any, Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from core import context
from core.redaction import redacted

# Without the local variables of the frames: they hold passwords and tokens.
_tracebacks: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
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


def as_dict_config(*, level: str, stream: str) -> dict[str, Any]:
    """Return the standard library's logging configuration; gunicorn starts with it too."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _shared(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    _tracebacks,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "handlers": {
            "lines": {
                "class": "logging.StreamHandler",
                "stream": f"ext://sys.{stream}",
                "formatter": "json",
            }
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
    request_id = context.current().request_id
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def _redact(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Replace values under names that promise a secret, however deep."""
    for key, value in event.items():
        event[key] = redacted(value, name=key)
    return event
