"""Failed jobs come back ever later, and not together."""

from __future__ import annotations

import pytest
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from core import clock, errors, limits, mail
from core.retries import SPREAD, SpreadRetry

JOB = Job(id=1, queue="default", lock=None, queueing_lock=None, task_name=mail.JOB)


def _waits_s(attempts: int) -> list[float]:
    job = JOB.evolve(attempts=attempts)
    strategy = app.tasks[mail.JOB].retry_strategy
    assert isinstance(strategy, SpreadRetry)
    decisions = [strategy.get_retry_decision(exception=OSError(), job=job) for _ in range(50)]
    moments = [decision.retry_at for decision in decisions if decision and decision.retry_at]
    assert len(moments) == 50
    return [(moment - clock.now()).total_seconds() for moment in moments]


@pytest.mark.parametrize(("attempts", "wait_s"), [(0, 4), (1, 16), (6, 16_384)])
def test_waits_grow_and_differ(attempts, wait_s):
    waits = _waits_s(attempts)
    assert all(wait_s * (1 - SPREAD) - 1 < each <= wait_s * (1 + SPREAD) for each in waits)
    assert max(waits) - min(waits) > wait_s * SPREAD, "they would all come at once"


def test_hopeless_jobs_are_not_tried_for_ever():
    strategy = SpreadRetry(max_attempts=8, exponential_wait=4, retry_exceptions=[OSError])
    assert strategy.get_retry_decision(exception=ValueError(), job=JOB) is None
    last = JOB.evolve(attempts=8)
    assert strategy.get_retry_decision(exception=OSError(), job=last) is None


def test_job_that_a_limit_refuses_comes_back_once_it_allows_however_often(db):
    for _ in range(10):
        limits.require("no-such", "x")
    with pytest.raises(errors.RateLimited) as refused:
        limits.require("no-such", "x")
    wait_s = refused.value.retry_after_s
    assert wait_s
    strategy = SpreadRetry(max_attempts=8, exponential_wait=4, retry_exceptions=[OSError])
    for attempts in (0, 8, 100):
        asked_at = clock.now()
        job = JOB.evolve(attempts=attempts)
        decision = strategy.get_retry_decision(exception=refused.value, job=job)
        assert decision is not None
        assert decision.retry_at is not None
        assert (decision.retry_at - asked_at).total_seconds() >= wait_s
