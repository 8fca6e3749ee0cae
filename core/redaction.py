"""Which names promise a secret, and how what they hold is hidden."""

from __future__ import annotations

import re
from typing import Any, Final

REDACTED: Final = "***"
SECRET_NAME: Final = re.compile(
    r"password|token|secret|authorization|cookie|api_?key|credential|otp|validator", re.IGNORECASE
)


def redacted(value: Any, *, name: str = "") -> Any:
    """Return ``value`` (JSON) with everything under a secret's name replaced, however deep."""
    if name and SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, dict):
        return {key: redacted(inner, name=str(key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(inner) for inner in value]
    return value
