"""What a person would call a device, made of what it says of itself."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import ua_parser

UNKNOWN: Final = "Unknown device"


@lru_cache(maxsize=4_096)
def label_of(user_agent: str) -> str:
    """Return such as "Firefox 128 on Windows", for people; never decide anything by it."""
    found = ua_parser.parse(user_agent)
    program = found.user_agent and " ".join(
        part for part in (found.user_agent.family, found.user_agent.major) if part
    )
    system = found.os and found.os.family
    return " on ".join(part for part in (program, system) if part) or UNKNOWN
