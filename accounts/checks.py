"""What must be right before anything starts."""

from __future__ import annotations

from typing import Any

from django.core import checks

from accounts import breached


def breach_filter_is_readable(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse to start with a filter of breached passwords that cannot be asked."""
    try:
        breached.the_filter()
    except (OSError, ValueError) as exc:
        return [checks.Error(f"BREACH_FILTER_FILE cannot be used: {exc}", id="accounts.E001")]
    return []
