"""Months that left for the archive."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override

from core import ids


class MonthArchive(models.Model):
    """The rows of a month that lie in files now; ``restored_at`` once they are back.

    Rows have ids from ``first_id`` up to but without ``end_id``. ``manifest`` names for each
    table its file, its columns, how many rows there are, and two sums over them.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    month = models.DateField()
    first_id = models.UUIDField()
    end_id = models.UUIDField()
    folder = models.TextField()
    manifest = models.JSONField()
    archived_at = models.DateTimeField("archived")
    restored_at = models.DateTimeField("restored", null=True)

    class Meta:
        db_table = "month_archive"
        verbose_name = "archived month"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="month_archive_range", condition=models.Q(first_id__lt=models.F("end_id"))
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["month"], name="month_archive_month"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
