"""Reading one setting: from where its text comes, and what it means."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import environ


def setting(
    about: str,
    *,
    default: Any = dataclasses.MISSING,
    secret: bool = False,
    minimum: int | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare one setting. A secret never has a default and never shows in a ``repr``."""
    metadata = {"about": about, "secret": secret, "minimum": minimum, "choices": choices}
    if isinstance(default, list):
        return dataclasses.field(
            default_factory=lambda: list(default), repr=not secret, metadata=metadata
        )
    return dataclasses.field(default=default, repr=not secret, metadata=metadata)


def has_default(field: dataclasses.Field[Any]) -> bool:
    """Return whether the setting may be left out."""
    return not (
        field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )


def raw_value(environ_: Mapping[str, str], name: str, problems: list[str]) -> str | None:
    """Return the text of ``name``, or the content of the file named by ``NAME_FILE``."""
    path = environ_.get(f"{name}_FILE")
    if not path:
        return environ_.get(name)
    if name in environ_:
        problems.append(f"{name} and {name}_FILE are both set: keep one")
        return None
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not UTF-8 text"
        problems.append(f"{name}_FILE cannot be read: {reason}")
        return ""


def parse(field: dataclasses.Field[Any], raw: str) -> object:
    """Return what ``raw`` means as this setting.

    Raises:
        ValueError: nothing, or nothing that is allowed; says what must be.
    """
    value = _PARSERS[str(field.type)](raw)
    minimum, choices = field.metadata["minimum"], field.metadata["choices"]
    if minimum is not None and isinstance(value, int) and value < minimum:
        raise ValueError(f"must be at least {minimum}, not {value}")
    if choices and value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}, not {raw!r}")
    return value


def _int(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit()):
        raise ValueError(f"must be a whole number, not {raw!r}")
    return int(raw)


def _list(raw: str) -> list[str]:
    return [part.strip() for part in raw.split(",") if part.strip()]


_PARSERS: dict[str, Callable[[str], object]] = {"str": str, "int": _int, "list[str]": _list}


def database_settings(url: str) -> dict[str, Any]:
    """Django's ``DATABASES`` entry for a PostgreSQL URL; a socket folder may be the host."""
    parsed: dict[str, Any] = environ.Env.db_url_config(url)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    if "host" in query:
        parsed["HOST"] = query["host"][0]
        parsed.get("OPTIONS", {}).pop("host", None)
    return parsed
