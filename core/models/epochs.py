"""The lives of the database."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class Epoch(models.Model):
    """One life of the database: transaction ids only grow within it."""

    append_only: ClassVar = True

    number = models.SmallIntegerField(primary_key=True)
    system_identifier = models.BigIntegerField("cluster")
    timeline = models.IntegerField()
    began_at = models.DateTimeField("began")

    class Meta:
        db_table = "epoch"
        ordering: ClassVar = ["-number"]
        default_permissions: ClassVar = ["view"]

    @override
    def __str__(self) -> str:
        return str(self.number)
