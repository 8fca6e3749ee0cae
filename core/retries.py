"""When a job that failed is tried again: ever later, and not all jobs at the same moment."""

from __future__ import annotations

import datetime as dt
import random
from typing import Final

from procrastinate import RetryStrategy
from procrastinate.jobs import Job
from procrastinate.retry import RetryDecision
from typing_extensions import override

from core import clock
from core.breaker import Resting
from core.errors import RateLimited

SPREAD: Final = 0.25


class SpreadRetry(RetryStrategy):
    """procrastinate's exponential waits, each a quarter shorter or longer by chance.

    What failed together, because a server was away, does not come back together. What a limit
    refused (:func:`core.limits.require`), or the breaker of a server that rests, comes back when
    it allows it, however often that was: it has not failed.
    """

    @override
    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to try again, ``None`` for never."""
        if isinstance(exception, RateLimited | Resting):
            late = random.uniform(1, 1 + SPREAD)  # noqa: S311 - as below
            wait = dt.timedelta(seconds=(exception.retry_after_s or 1) * late)
            return RetryDecision(retry_at=clock.now() + wait)
        decision = super().get_retry_decision(exception=exception, job=job)
        if decision is None:
            return None
        wait_s = self.exponential_wait ** (job.attempts + 1)
        # Not a secret: it only has to differ between jobs.
        spread_s = wait_s * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311
        return RetryDecision(retry_at=clock.now() + dt.timedelta(seconds=spread_s))
