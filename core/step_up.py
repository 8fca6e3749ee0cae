"""Routes that could hurt most ask for a login of a moment ago (RFC 9470)."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from core import clock, errors
from core.principals import Principal


def require_fresh_login(actor: Principal, *, scope: str | None = None) -> None:
    """Let through who proved themselves within ``STEP_UP_MAX_AGE_S`` and at their full level.

    Commands and jobs have nobody to ask and pass. A key cannot prove anything again: it passes
    when it holds ``scope``, which names exactly this, and never where there is no such scope.

    Raises:
        StepUpRequired: an older login, or one factor where the person has two.
        ScopeMissing: a key without ``scope``.
    """
    if actor.kind == "system":
        return
    if actor.kind == "key":
        if scope is None or scope not in actor.scopes:
            raise errors.ScopeMissing("A key cannot do this.", scope=scope or "")
        return
    max_age_s: int = settings.ENV.step_up_max_age_s
    proved_at = actor.authenticated_at
    if (
        proved_at is None
        or clock.now() - proved_at > dt.timedelta(seconds=max_age_s)
        or actor.assurance_level < actor.assurance_level_required
    ):
        raise errors.StepUpRequired(
            "Prove again who you are, then repeat the request.", max_age_s=max_age_s
        )
