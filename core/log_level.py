"""From which level on is logged, changed while everything runs."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from core import logs
from core.runtime_settings import Setting, declare

LOG_LEVEL: Final = declare(
    Setting(
        name="log_level",
        default=lambda: settings.ENV.log_level,
        choices=logs.LEVELS,
        about="Lowest level that is logged by web processes and workers.",
    )
)


def follow_log_level() -> None:
    """Log from the level that holds now."""
    logs.set_level(LOG_LEVEL.value)
