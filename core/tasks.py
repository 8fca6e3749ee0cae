"""What the worker does by itself, once however many workers there are."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from core import idempotency, mail, partitions

__all__ = ["ensure_partitions", "forget_answered_requests", "mail"]


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="ensure_partitions", pass_context=False)
def ensure_partitions(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Make the month partitions ahead of time."""
    partitions.ensure_months()


@app.periodic(cron="37 3 * * *")
@app.task(queueing_lock="forget_answered_requests", pass_context=False)
def forget_answered_requests(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Forget the keys of requests that were answered long ago."""
    idempotency.forget_older_than(days=settings.ENV.idempotency_retention_days)
