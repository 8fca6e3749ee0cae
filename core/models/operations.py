"""Tables of what runs by itself: calls to others, and what became of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from typing_extensions import override


class CircuitBreaker(models.Model):
    """What we know of one destination outside: how often it failed in a row, until when it rests.

    ``open_until`` empty means closed. Past it, one caller at a time may try: ``probe_until`` is
    that caller's lease.
    """

    destination = models.CharField(primary_key=True, max_length=255)
    failures = models.PositiveIntegerField("failures in a row", default=0)
    open_until = models.DateTimeField("rests until", null=True)
    probe_until = models.DateTimeField("being tried until", null=True)
    last_fault = models.CharField("last fault", max_length=200, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "circuit_breaker"
        verbose_name = "destination"
        ordering: ClassVar = ["destination"]
        default_permissions: ClassVar = ["view", "change"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="circuit_breaker_probe_only_when_open",
                condition=models.Q(probe_until=None) | ~models.Q(open_until=None),
            )
        ]

    @override
    def __str__(self) -> str:
        return self.destination
