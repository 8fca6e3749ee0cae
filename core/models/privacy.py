"""What people asked of their data, and what must not be erased."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids
from core.fields import REASON_LENGTH_MAX

QUEUED: Final = "queued"
DONE: Final = "done"
FAILED: Final = "failed"
STATES: Final = (QUEUED, DONE, FAILED)


class DataExport(models.Model):
    """A copy of all of a person's data, being made or waiting to be fetched.

    The file lies sealed with the person's own key; it is gone after ``expires_at``.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    state = models.CharField(max_length=8, choices=[(name, name) for name in STATES])
    rows = models.PositiveIntegerField(default=0)
    size_bytes = models.BigIntegerField("bytes", default=0)
    stored_as = models.CharField(max_length=32, blank=True, editable=False)
    created_at = models.DateTimeField("asked", db_default=Now())
    finished_at = models.DateTimeField("finished", null=True)
    expires_at = models.DateTimeField("gone after")

    class Meta:
        db_table = "data_export"
        verbose_name = "copy of a person's data"
        verbose_name_plural = "copies of people's data"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="data_export_state_known", condition=models.Q(state__in=STATES)
            ),
            models.CheckConstraint(
                name="data_export_done_has_a_file",
                condition=models.Q(state=DONE) ^ models.Q(stored_as=""),
            ),
            models.UniqueConstraint(
                name="data_export_one_at_a_time",
                fields=["user_id"],
                condition=models.Q(state=QUEUED),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "-id"], name="data_export_of_person"),
            models.Index(fields=["expires_at"], name="data_export_expiry"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.state} {self.pk}"


class PersonalKey(models.Model):
    """The key that what is sealed about a person has; without the row nobody opens any of it."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    key_sealed = models.BinaryField()
    created_at = models.DateTimeField("made", db_default=Now())

    class Meta:
        db_table = "personal_key"
        verbose_name = "personal key"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="personal_key_once", fields=["user_id"]),
        ]

    @override
    def __str__(self) -> str:
        return str(self.user_id)


class DeletionRequest(models.Model):
    """A person asked to be deleted; until ``due_at`` they may think better of it."""

    never_deleted: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    asked_at = models.DateTimeField("asked")
    due_at = models.DateTimeField("due")
    cancelled_at = models.DateTimeField("taken back", null=True)
    erased_at = models.DateTimeField("erased", null=True)

    class Meta:
        db_table = "deletion_request"
        verbose_name = "request for deletion"
        verbose_name_plural = "requests for deletion"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="deletion_request_one_open",
                fields=["user_id"],
                condition=models.Q(cancelled_at=None, erased_at=None),
            ),
            models.CheckConstraint(
                name="deletion_request_one_end",
                condition=models.Q(cancelled_at=None) | models.Q(erased_at=None),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                name="deletion_request_due",
                condition=models.Q(cancelled_at=None, erased_at=None),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.user_id)


class LegalHold(models.Model):
    """While it lasts, nothing of this person is erased, nor goes by its age."""

    never_deleted: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    placed_by_id = models.UUIDField("placed by")
    placed_at = models.DateTimeField("placed")
    ended_by_id = models.UUIDField("ended by", null=True)
    ended_at = models.DateTimeField("ended", null=True)

    class Meta:
        db_table = "legal_hold"
        verbose_name = "legal hold"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view", "add", "change"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="legal_hold_one_open",
                fields=["user_id"],
                condition=models.Q(ended_at=None),
            ),
            models.CheckConstraint(
                name="legal_hold_ended_by_somebody",
                condition=models.Q(ended_at=None, ended_by_id=None)
                | models.Q(ended_at__isnull=False, ended_by_id__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.user_id)
