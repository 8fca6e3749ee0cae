"""What was checked, or vouched for, before the service went live."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from typing_extensions import override

from core import ids

RUN: Final = "run"
ATTESTED: Final = "attested"
KINDS: Final = (RUN, ATTESTED)


class GoLiveEvidence(models.Model):
    """One run of a check with its end, or one person's word with the day until which it counts."""

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    item = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=[(name, name) for name in KINDS])
    has_passed = models.BooleanField("passed")
    by = models.CharField("vouched for by", max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField("recorded")
    expires_at = models.DateTimeField("counts until")

    class Meta:
        db_table = "golive_evidence"
        verbose_name = "evidence for going live"
        verbose_name_plural = "evidence for going live"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="golive_evidence_somebody_vouches",
                condition=models.Q(kind=RUN) | ~models.Q(by=""),
            ),
            models.CheckConstraint(
                name="golive_evidence_counts_for_a_while",
                condition=models.Q(expires_at__gt=models.F("recorded_at")),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["item", "-id"], name="golive_evidence_item")]

    @override
    def __str__(self) -> str:
        return f"{self.item}: {self.kind}"
