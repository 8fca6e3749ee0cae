"""One-time links: proof that somebody reads a mailbox."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts import constants
from core import ids


class OneTimeToken(models.Model):
    """The newest link of one kind that was mailed to a person, as a hash.

    There is one row for each person and purpose: a newer link takes the place of the older one,
    which from then on opens nothing.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="person",
        db_constraint=False,  # made by the migration, not deferrable
        db_index=False,
        on_delete=models.CASCADE,
        related_name="one_time_tokens",
    )
    purpose = models.CharField(
        max_length=16, choices=[(purpose, purpose) for purpose in constants.PURPOSES]
    )
    token_sha256 = models.BinaryField(max_length=32)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField("sent", db_default=Now())
    expires_at = models.DateTimeField("good until")
    consumed_at = models.DateTimeField("used or withdrawn", null=True)

    class Meta:
        db_table = "one_time_token"
        verbose_name = "one-time link"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="one_time_token_newest_only", fields=["user", "purpose"]),
            models.UniqueConstraint(name="one_time_token_once", fields=["token_sha256", "user"]),
            models.CheckConstraint(
                name="one_time_token_purpose_known",
                condition=models.Q(purpose__in=constants.PURPOSES),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["-id"],
                name="one_time_token_open_invites",
                condition=models.Q(purpose=constants.INVITE, consumed_at=None),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
