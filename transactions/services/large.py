"""Amounts large enough to ask who is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.conf import settings

from core import step_up
from core.principals import Principal
from transactions import constants


def require_fresh_login_for(amounts: Iterable[tuple[str, int]], *, actor: Principal) -> None:
    """Let pass what stays below ``STEP_UP_AMOUNTS_MINOR``, or whose login is fresh.

    ``amounts`` are assets with minor units; one request counts as a whole, so that splitting it
    into postings or items changes nothing.

    Raises:
        StepUpRequired: an older login, or one factor where the person has two.
        ScopeMissing: a key without the scope ``transactions:large``.
    """
    limits: dict[str, int] = settings.ENV.step_up_amounts()
    totals: Counter[str] = Counter()
    for asset, amount_minor in amounts:
        totals[asset] += amount_minor
    if any(total > limits[asset] for asset, total in totals.items() if asset in limits):
        step_up.require_fresh_login(actor, scope=constants.TRANSACTIONS_LARGE)
