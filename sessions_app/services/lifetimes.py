"""How long sessions of each kind live."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets

from django.conf import settings

from core import clock
from sessions_app import constants


@dataclasses.dataclass(frozen=True, slots=True)
class Lifetime:
    """Time limits of one session; ``token_s`` when its bearer token is renewed by another."""

    idle_s: int
    absolute_s: int
    token_s: int | None = None


def lifetime_of(kind: str, *, is_refreshed: bool = False) -> Lifetime:
    """Return the limits of a new session of ``kind``, with or without a refresh token."""
    env = settings.ENV
    if kind == constants.KIND_STAFF:
        return Lifetime(env.staff_session_idle_timeout_s, env.staff_session_absolute_timeout_s)
    if kind == constants.KIND_IMPERSONATION:
        return Lifetime(env.staff_session_idle_timeout_s, env.impersonation_timeout_s)
    if kind == constants.KIND_SERVICE:
        return Lifetime(env.service_session_timeout_s, env.service_session_timeout_s)
    if is_refreshed:
        return Lifetime(
            env.refresh_idle_timeout_s, env.refresh_absolute_timeout_s, env.access_token_ttl_s
        )
    return Lifetime(env.session_idle_timeout_s, env.session_absolute_timeout_s)


def end_of_token(ttl_s: int) -> dt.datetime:
    """Return when a token made now ends: up to 5 % before ``ttl_s`` is over."""
    early_s = secrets.randbelow(ttl_s * constants.JITTER_PERCENT // 100 + 1)
    return clock.now() + dt.timedelta(seconds=ttl_s - early_s)
