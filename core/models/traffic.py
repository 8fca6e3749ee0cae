"""What the operations page shows: counted requests, and numbers that jobs measured."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class TrafficCount(models.Model):
    """How many answers of one kind there were in one minute, over all processes.

    ``took_ms`` is the upper edge of the class of durations they fell into.
    """

    pk = models.CompositePrimaryKey("minute", "method", "route", "status", "code", "took_ms")
    minute = models.DateTimeField()
    method = models.CharField(max_length=8)
    route = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=64, blank=True)
    took_ms = models.PositiveIntegerField()
    requests = models.PositiveBigIntegerField()

    class Meta:
        db_table = "traffic_count"
        default_permissions: ClassVar = []

    @override
    def __str__(self) -> str:
        return f"{self.minute:%H:%M} {self.method} {self.route} {self.status}"


class Measurement(models.Model):
    """A number that takes long to find out: what a job found last, and when.

    A name that is missing was never measured.
    """

    name = models.CharField(primary_key=True, max_length=64)
    value = models.BigIntegerField()
    detail = models.CharField(max_length=200, blank=True)
    measured_at = models.DateTimeField("measured")

    class Meta:
        db_table = "measurement"
        ordering: ClassVar = ["name"]
        default_permissions: ClassVar = ["view"]

    @override
    def __str__(self) -> str:
        return self.name
