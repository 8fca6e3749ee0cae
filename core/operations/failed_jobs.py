"""Jobs that failed for good: looked at by people, then tried again."""

from __future__ import annotations

from typing import Final

from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Status

from core import audit, clock, db, errors
from core.principals import HOUSE_USER_ID, Principal

CHANGE: Final = "procrastinate.change_procrastinatejob"


def retry_failed_job(*, job_id: int, reason: str, actor: Principal) -> None:
    """Give a failed job to the workers again, at once. Commits its own transaction.

    Raises:
        PermissionRefused: ``actor`` may not.
        NotFound: there is no such job, or it has not failed (any more).
    """
    if not actor.may(CHANGE):
        raise errors.PermissionRefused("Trying jobs again takes a permission.")

    def retry() -> None:
        failed = ProcrastinateJob.objects.filter(pk=job_id, status=Status.FAILED.value)
        job = failed.select_for_update().first()
        if job is None:
            raise errors.NotFound("There is no such failed job.")
        app.job_manager.retry_job_by_id(job_id, clock.now())
        audit.record(
            action="job.retry",
            actor=actor,
            user_id=HOUSE_USER_ID,
            target_type="job",
            target_id=str(job_id),
            task=job.task_name,
            reason=reason,
        )

    db.run_in_transaction(retry)
