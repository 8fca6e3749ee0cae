"""How many requests somebody may make: plans that staff change while everything runs.

A plan names a scope: who calls (``stranger``, ``user``, ``key``) or what is done (``money``). A
plan for ``key:<id>`` is of that key alone. Scopes nobody has heard of get :data:`UNKNOWN`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import transaction

from core import audit, clock, context, counted, errors, metrics, rates
from core.models import LimitPlan
from core.principals import HOUSE_USER_ID, Principal

STRANGER: Final = "stranger"
USER: Final = "user"
KEY: Final = "key"
MONEY: Final = "money"
REPORTS: Final = "reports"
_TABLE: Final = "limits:table"
_TABLE_TTL_S: Final = 300
# Without the cache each process reads the table anew this often.
_REREAD_MS: Final = 5_000
_READINGS_MAX: Final = 3
_VERSION_LENGTH: Final = 16
# How many requests, and in how long.
_SETTINGS: Final = {
    STRANGER: ("limit_stranger_requests", 900),
    USER: ("limit_user_requests", 60),
    KEY: ("limit_key_requests", 60),
    MONEY: ("limit_money_requests", 60),
}
# A scope, and who calls in it.
Call = tuple[str, str]


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


def default_of(scope: str) -> Plan:
    """Return the plan that holds where staff said nothing else."""
    if scope == REPORTS:
        return Plan(REPORTS, 20, 3_600)
    setting, window_s = _SETTINGS.get(scope, ("", 0))
    return Plan(scope, getattr(settings.ENV, setting), window_s) if setting else UNKNOWN


def plan_of(scope: str, caller: str = "") -> Plan:
    """Return the plan of one caller in a scope: their own, the scope's, or the unknown's."""
    return _plan_in(_here.newest().plans, scope, caller)


def take_in_turn(calls: Sequence[Call]) -> list[Standing]:
    """Count one request in each scope, up to the first refusal; a refused one is not counted.

    One round trip, which also notices that staff have changed the plans meanwhile.
    """
    table = _here.table()
    for _ in range(_READINGS_MAX):
        standings = _taken(calls, table, known=(_TABLE, table.version))
        if standings:
            return standings
        table = _here.newest()
    return _taken(calls, table)


def take(scope: str, caller: str) -> Standing:
    """Count one request of ``caller`` in ``scope``; a refused one is not counted."""
    return take_in_turn([(scope, caller)])[0]


def look(scope: str, caller: str) -> Standing:
    """Return how ``caller`` stands in ``scope``, counting nothing."""
    plan = plan_of(scope, caller)
    rate = _rate(plan, caller)
    return _standing(plan, rates.look(rate.key, limit=rate.limit, period_s=rate.period_s))


def require(scope: str, caller: str) -> Standing:
    """Count one request, or say when to come back: for views, jobs and outgoing calls.

    Tells the client, where there is one, how it stands.

    Raises:
        RateLimited: the plan allows no more now; ``retry_after_s`` says when it will.
    """
    return require_all([(scope, caller)])


def require_all(calls: Sequence[Call]) -> Standing:
    """Do :func:`require` for one scope after the other; the client is told of the last.

    Raises:
        RateLimited: as there; the scopes after the one that refuses are not counted.
    """
    standing = take_in_turn(calls)[-1]
    context.current().answer_headers.update(standing.headers())
    if not standing.is_allowed:
        plan = standing.plan
        raise errors.RateLimited(
            f"At most {plan.requests} requests in {plan.window_s} seconds.",
            retry_after_s=standing.retry_after_s,
            policy=plan.scope,
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


def _plan_in(written: Mapping[str, Plan], scope: str, caller: str) -> Plan:
    plan = written.get(f"{scope}:{caller}") or written.get(scope) or default_of(scope)
    return plan if plan.scope == scope else dataclasses.replace(plan, scope=scope)


def _taken(
    calls: Sequence[Call], table: _Table, known: tuple[str, str] = ("", "")
) -> list[Standing]:
    plans = [_plan_in(table.plans, scope, caller) for scope, caller in calls]
    verdicts = rates.take_in_turn(
        [_rate(plan, caller) for plan, (_, caller) in zip(plans, calls, strict=True)], known=known
    )
    standings = [_standing(plan, one) for plan, one in zip(plans, verdicts, strict=False)]
    for standing in standings:
        metrics.LIMIT_CHECKS.labels(
            scope=standing.plan.scope, outcome="allowed" if standing.is_allowed else "limited"
        ).inc()
    return standings


def _rate(plan: Plan, caller: str) -> rates.Rate:
    # The plan is part of the counter's name: a new plan begins with nothing used.
    name = f"{plan.scope}:{plan.requests}/{plan.window_s}:{caller}"
    return rates.Rate(name, plan.requests, plan.window_s)


def _standing(plan: Plan, verdict: rates.Verdict) -> Standing:
    used = plan.requests - verdict.remaining
    return Standing(
        plan=plan,
        is_allowed=verdict.is_allowed,
        remaining=verdict.remaining,
        reset_s=math.ceil(used * plan.window_s / plan.requests),
        retry_after_s=verdict.retry_after_s,
    )


def _publish() -> None:
    """Tell every worker at once; the older table would else stay until its time is over."""
    _here.forget()
    counted.SERVER.overwrite(_TABLE, _read(), ttl_s=_TABLE_TTL_S)


def _read() -> bytes:
    """Return the table as it is kept in the cache: its digest, then its rows."""
    rows = LimitPlan.objects.order_by("scope").values_list("scope", "requests", "window_s")
    packed = orjson.dumps({scope: (requests, window_s) for scope, requests, window_s in rows})
    return hashlib.sha256(packed).hexdigest()[:_VERSION_LENGTH].encode() + packed


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    """The plans that staff wrote, and the digest that says which table this is."""

    version: str
    plans: Mapping[str, Plan]

    @classmethod
    def unpacked(cls, packed: bytes) -> _Table:
        rows: dict[str, tuple[int, int]] = orjson.loads(packed[_VERSION_LENGTH:])
        return cls(
            version=packed[:_VERSION_LENGTH].decode(),
            plans={scope: Plan(scope, *numbers) for scope, numbers in rows.items()},
        )


class _Here:
    """This process's copies of the table: as it was last seen, and as PostgreSQL last had it.

    The second is so that a dead cache costs no query for each request.
    """

    def __init__(self) -> None:
        self._table: _Table | None = None
        self._seen_at_ms = -math.inf
        self._packed = b""
        self._read_at_ms = -math.inf

    def table(self) -> _Table:
        """Return what is known, at most seconds old; whoever counts by it learns if it is old."""
        table = self._table
        if table is None or clock.monotonic_ms() - self._seen_at_ms > _REREAD_MS:
            return self.newest()
        return table

    def newest(self) -> _Table:
        """Return the plans as of now on every worker; older without the cache."""
        (packed,) = counted.SERVER.get_many([_TABLE])
        if packed is None:
            packed = self._of_database()
            counted.SERVER.put_if_absent(_TABLE, packed, ttl_s=_TABLE_TTL_S)
        table = self._table = _Table.unpacked(packed)
        self._seen_at_ms = clock.monotonic_ms()
        return table

    def forget(self) -> None:
        self._read_at_ms = self._seen_at_ms = -math.inf

    def _of_database(self) -> bytes:
        if clock.monotonic_ms() - self._read_at_ms > _REREAD_MS:
            self._packed, self._read_at_ms = _read(), clock.monotonic_ms()
        return self._packed


_here = _Here()
