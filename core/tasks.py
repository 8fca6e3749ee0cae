"""What the worker does by itself, once however many workers there are."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from typing import Final

from django.conf import settings
from django.core.management import call_command
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, UniqueViolation
from procrastinate.job_context import JobContext
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from core import clock, epochs, idempotency, mail, partitions
from core.files import uploads
from core.operations import traffic
from core.privacy import deletion, exports, retention
from core.trail import seals, unusual
from core.webhooks import relay

__all__ = ["begin_epoch", "ensure_partitions", "forget_answered_requests", "mail"]

# As BACKUPS_BY says it.
WORKER: Final = "worker"


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="ensure_partitions", pass_context=False)
def ensure_partitions(timestamp: int) -> None:  # noqa: ARG001 - every periodic job is told the time
    """Make the month partitions ahead of time."""
    partitions.ensure_months()


@app.periodic(cron="27 * * * *")
@app.task(queueing_lock="forget_traffic", pass_context=False)
def forget_traffic(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Forget what was counted for the operations page too long ago."""
    kept = dt.timedelta(hours=settings.ENV.traffic_retention_hours)
    traffic.forget(older_than=clock.now() - kept)


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="look_for_the_unusual", pass_context=False)
def look_for_the_unusual(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Look through the audit trail of the last hour for what hardly ever happens."""
    unusual.note()


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


@app.periodic(cron="* * * * * */5")
@app.task(queueing_lock="relay_events", pass_context=False)
def relay_events(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Hand events out to the endpoints that want them, and start their senders."""
    relay.hand_out()
    for endpoint_id, user_id in relay.endpoints_with_due_deliveries():
        waiting = f"send_webhooks:{endpoint_id}"
        with contextlib.suppress(AlreadyEnqueued):
            send_webhooks.configure(queueing_lock=waiting).defer(
                endpoint_id=str(endpoint_id), user_id=str(user_id)
            )


@app.task(queue="webhooks")
def send_webhooks(endpoint_id: str, user_id: str) -> None:
    """Send what is due to one endpoint."""
    relay.send_due(endpoint_id=uuid.UUID(endpoint_id), user_id=uuid.UUID(user_id))


@app.periodic(cron="47 3 * * *")
@app.task(queueing_lock="remove_orphaned_files", pass_context=False)
def remove_orphaned_files(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Remove what uploads that died have left."""
    uploads.remove_orphans()


@app.periodic(cron="27 * * * *")
@app.task(queueing_lock="remove_expired_exports", pass_context=False)
def remove_expired_exports(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Remove copies of people's data that can no longer be fetched."""
    exports.remove_expired()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="seal_trails", pass_context=False)
def seal_trails(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Seal what the audit trails grew by."""
    seals.seal_trails()


@app.periodic(cron="7 4 * * *")
@app.task(queueing_lock="apply_retention", pass_context=False)
def apply_retention(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Let go what is older than its class is kept."""
    retention.apply(is_dry_run=False)


@app.periodic(cron="57 * * * *")
@app.task(queueing_lock="erase_due", pass_context=False)
def erase_due(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Erase those who asked for it and did not think better of it."""
    deletion.erase_due()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="return_stalled_jobs", pass_context=True)
async def return_stalled_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Give the jobs of a worker that died to the others."""
    await return_stalled(context.app.job_manager)


async def return_stalled(manager: JobManager) -> None:
    """Return the jobs whose worker gives no sign of life to the queue.

    Of those that may wait only once, one that already waits stands for the other.
    """
    for job in await manager.get_stalled_jobs():
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            await manager.finish_job(job, status=Status.ABORTED, delete_job=True)


@app.periodic(cron="7 2 * * *")
@app.task(queueing_lock="take_backup", pass_context=False)
def take_backup(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Take a full backup, where no timer of the operator's does."""
    if settings.ENV.backups_by == WORKER:
        call_command("backup_create")


@app.periodic(cron="7 4 * * *")
@app.task(queueing_lock="prune_backups", pass_context=False)
def prune_backups(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Let old backups go, where no timer of the operator's does."""
    if settings.ENV.backups_by == WORKER:
        call_command("backup_prune")


@app.periodic(cron="7 5 * * 0")
@app.task(queueing_lock="prove_backup", pass_context=False)
def prove_backup(timestamp: int) -> None:  # noqa: ARG001 - as above
    """Restore the newest backup into a scratch server, where no timer of the operator's does."""
    if settings.ENV.backups_by == WORKER:
        call_command("backup_verify", drill=True)
