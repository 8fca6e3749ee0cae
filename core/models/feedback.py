"""What people and their programs report of the service."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids

KINDS: Final = ("bug", "idea", "question", "client_error")
NEW, LOOKING, DONE = STATES = ("new", "looking", "done")
MESSAGE_LENGTH_MAX: Final = 4_000


class Report(models.Model):
    """Something a person told us, what became of it, and what we told them."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("sender")
    kind = models.CharField(max_length=16)
    message = models.TextField(max_length=MESSAGE_LENGTH_MAX)
    context = models.JSONField(default=dict)
    about_request = models.CharField("request", max_length=64)
    state = models.CharField(max_length=16, default=NEW)
    answer = models.CharField(max_length=500)
    created_at = models.DateTimeField("sent", db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "report"
        verbose_name = "report"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view", "change"]
        constraints: ClassVar = [
            models.CheckConstraint(name="report_kind_known", condition=models.Q(kind__in=KINDS)),
            models.CheckConstraint(name="report_state_known", condition=models.Q(state__in=STATES)),
            models.CheckConstraint(
                name="report_done_is_answered",
                condition=~models.Q(state=DONE) | ~models.Q(answer=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "-id"], name="report_sender"),
            models.Index(fields=["about_request"], name="report_about_request"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} of {self.created_at:%Y-%m-%d %H:%M}"
