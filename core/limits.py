"""How many requests somebody may make: plans that staff change while everything runs.

A plan names a scope: who calls (``stranger``, ``user``, ``key``) or what is done (``money``). A
plan for ``key:<id>`` is of that key alone. Scopes nobody has heard of get :data:`UNKNOWN`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import transaction

from core import audit, cache, clock, context, errors, metrics, rates
from core.models import LimitPlan
from core.principals import HOUSE_USER_ID, Principal

STRANGER: Final = "stranger"
USER: Final = "user"
KEY: Final = "key"
MONEY: Final = "money"
REPORTS: Final = "reports"
_TABLE: Final = "limits:plans"
_TABLE_TTL_S: Final = 300
# Without the cache each process reads the table anew this often.
_REREAD_MS: Final = 5_000


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """So many requests in so long."""

    scope: str
    requests: int
    window_s: int


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What a plan still allows somebody, after the request that was just counted."""

    plan: Plan
    is_allowed: bool
    remaining: int
    reset_s: int
    retry_after_s: int

    def headers(self) -> dict[str, str]:
        """Return ``RateLimit-Policy`` and ``RateLimit`` (draft-ietf-httpapi-ratelimit-headers)."""
        plan = self.plan
        return {
            "RateLimit-Policy": f'"{plan.scope}";q={plan.requests};w={plan.window_s}',
            "RateLimit": f'"{plan.scope}";r={self.remaining};t={self.reset_s}',
        }


UNKNOWN: Final = Plan("unknown", 10, 3_600)


def defaults() -> dict[str, Plan]:
    """Return the plans that hold where staff said nothing else."""
    env = settings.ENV
    return {
        plan.scope: plan
        for plan in (
            Plan(STRANGER, env.limit_stranger_requests, 900),
            Plan(USER, env.limit_user_requests, 60),
            Plan(KEY, env.limit_key_requests, 60),
            Plan(MONEY, env.limit_money_requests, 60),
            Plan(REPORTS, 20, 3_600),
        )
    }


def plan_of(scope: str, caller: str = "") -> Plan:
    """Return the plan of one caller in a scope: their own, the scope's, or the unknown's."""
    plans = {**defaults(), **_written()}
    plan = plans.get(f"{scope}:{caller}") or plans.get(scope) or UNKNOWN
    return dataclasses.replace(plan, scope=scope)


def take(scope: str, caller: str) -> Standing:
    """Count one request of ``caller`` in ``scope``; a refused one is not counted."""
    standing = _asked(rates.take, scope, caller)
    metrics.LIMIT_CHECKS.labels(
        scope=scope, outcome="allowed" if standing.is_allowed else "limited"
    ).inc()
    return standing


def look(scope: str, caller: str) -> Standing:
    """Return how ``caller`` stands in ``scope``, counting nothing."""
    return _asked(rates.look, scope, caller)


def _asked(ask: Callable[..., rates.Verdict], scope: str, caller: str) -> Standing:
    plan = plan_of(scope, caller)
    # The plan is part of the counter's name: a new plan begins with nothing used.
    counter = f"{scope}:{plan.requests}/{plan.window_s}:{caller}"
    verdict = ask(counter, limit=plan.requests, period_s=plan.window_s)
    used = plan.requests - verdict.remaining
    return Standing(
        plan=plan,
        is_allowed=verdict.is_allowed,
        remaining=verdict.remaining,
        reset_s=math.ceil(used * plan.window_s / plan.requests),
        retry_after_s=verdict.retry_after_s,
    )


def require(scope: str, caller: str) -> Standing:
    """Count one request, or say when to come back: for views, jobs and outgoing calls.

    Tells the client, where there is one, how it stands.

    Raises:
        RateLimited: the plan allows no more now; ``retry_after_s`` says when it will.
    """
    standing = take(scope, caller)
    context.current().answer_headers.update(standing.headers())
    if not standing.is_allowed:
        plan = standing.plan
        raise errors.RateLimited(
            f"At most {plan.requests} requests in {plan.window_s} seconds.",
            retry_after_s=standing.retry_after_s,
            policy=scope,
        )
    return standing


def set_plan(*, scope: str, requests: int, window_s: int, actor: Principal) -> None:
    """Let a scope have so many requests in so long, from the next request on.

    Commits its own transaction or joins the caller's, audit row included.
    """
    with transaction.atomic():
        LimitPlan.objects.update_or_create(
            scope=scope,
            defaults={"requests": requests, "window_s": window_s, "changed_at": clock.now()},
        )
        _recorded("limit.set", scope, actor, requests=requests, window_s=window_s)
        transaction.on_commit(_publish)


def remove_plan(*, scope: str, actor: Principal) -> None:
    """Give a scope its default back. Commits its own transaction or joins the caller's."""
    with transaction.atomic():
        LimitPlan.objects.filter(pk=scope).delete()
        _recorded("limit.remove", scope, actor)
        transaction.on_commit(_publish)


def _recorded(action: str, scope: str, actor: Principal, **facts: Any) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=HOUSE_USER_ID,
        target_type="limit",
        target_id=scope[:64],
        **facts,
    )


def _written() -> dict[str, Plan]:
    """Return the plans that staff wrote, as of now on every worker; older without the cache."""
    (packed,) = cache.get_many([_TABLE])
    if packed is None:
        packed = _here.table()
        cache.put_if_absent(_TABLE, packed, ttl_s=_TABLE_TTL_S)
    rows: dict[str, tuple[int, int]] = orjson.loads(packed)
    return {scope: Plan(scope, *numbers) for scope, numbers in rows.items()}


def _publish() -> None:
    """Tell every worker at once; the older table would else stay until its time is over."""
    _here.forget()
    cache.overwrite(_TABLE, _read(), ttl_s=_TABLE_TTL_S)


def _read() -> bytes:
    rows = LimitPlan.objects.values_list("scope", "requests", "window_s")
    return orjson.dumps({scope: (requests, window_s) for scope, requests, window_s in rows})


class _Here:
    """This process's copy of the table, so that a dead cache costs no query for each request."""

    def __init__(self) -> None:
        self._packed = b""
        self._read_at_ms = -math.inf

    def table(self) -> bytes:
        if clock.monotonic_ms() - self._read_at_ms > _REREAD_MS:
            self._packed, self._read_at_ms = _read(), clock.monotonic_ms()
        return self._packed

    def forget(self) -> None:
        self._read_at_ms = -math.inf


_here = _Here()
