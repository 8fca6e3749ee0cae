"""People brought in from elsewhere, and what became of each row."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts import constants
from core import ids


class PeopleImport(models.Model):
    """One file of people. ``user_id`` is who sent it.

    The rows lie encrypted until the worker has been through them; then they are gone.
    """

    sealed_columns: ClassVar = ("rows_sealed",)

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("sent by")
    rows_sealed = models.BinaryField(null=True)
    total = models.PositiveIntegerField("rows")
    created_at = models.DateTimeField("sent", db_default=Now())
    finished_at = models.DateTimeField("finished", null=True)

    class Meta:
        db_table = "people_import"
        verbose_name = "import of people"
        verbose_name_plural = "imports of people"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="people_import_size",
                condition=models.Q(total__gte=1, total__lte=constants.IMPORT_ROWS_MAX),
            ),
            models.CheckConstraint(
                name="people_import_forgets_its_rows",
                condition=models.Q(finished_at=None, rows_sealed__isnull=False)
                | models.Q(finished_at__isnull=False, rows_sealed=None),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.pk)


class ImportedRow(models.Model):
    """What became of one row; written in the same commit as the person it made."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("sent by")
    people_import = models.ForeignKey(
        PeopleImport,
        verbose_name="import",
        db_constraint=False,  # made by the migration, over both columns
        db_index=False,
        on_delete=models.CASCADE,
        related_name="rows",
    )
    number = models.PositiveIntegerField("row")
    outcome = models.CharField(
        max_length=16, choices=[(outcome, outcome) for outcome in constants.IMPORT_OUTCOMES]
    )
    person_id = models.UUIDField("person", null=True)
    code = models.CharField(max_length=64, blank=True)
    detail = models.CharField("why", max_length=200, blank=True)

    class Meta:
        db_table = "people_import_row"
        verbose_name = "imported row"
        ordering: ClassVar = ["people_import", "number"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="people_import_row_once", fields=["people_import", "number", "user_id"]
            ),
            models.CheckConstraint(
                name="people_import_row_outcome_known",
                condition=models.Q(outcome__in=constants.IMPORT_OUTCOMES),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.number}: {self.outcome}"
