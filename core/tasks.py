"""What the worker does by itself, once however many workers there are."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from core import epochs, idempotency, mail, partitions

__all__ = ["begin_epoch", "ensure_partitions", "forget_answered_requests", "mail"]


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


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="begin_epoch", pass_context=False)
def begin_epoch(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Notice that a standby took over, or that this is a restored copy."""
    epochs.begin_if_restored()
