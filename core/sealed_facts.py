"""What a background job must know and its row must not show: encrypted JSON."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from core import crypto


def seal(facts: dict[str, Any], *, job: str) -> str:
    """Encrypt ``facts`` for the job of this name; no other job can read them."""
    return base64.b64encode(crypto.seal(orjson.dumps(facts), bound_to=f"job:{job}")).decode()


def unseal(sealed: str, *, job: str) -> dict[str, Any]:
    """Return what :func:`seal` was given."""
    opened = crypto.unseal(base64.b64decode(sealed), bound_to=f"job:{job}")
    facts: dict[str, Any] = orjson.loads(opened)
    return facts
