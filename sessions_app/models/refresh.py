"""Refresh families: the chain of refresh tokens that one session is kept up with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids


class RefreshFamily(models.Model):
    """One row for a session's whole chain; only the last two tokens are known, by SHA-256.

    ``key_id`` names the encryption key that tags and derives the chain; when that key leaves
    ``ENCRYPTION_KEYS``, the chain ends.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    session_id = models.UUIDField("session")
    key_id = models.CharField("key", max_length=16)
    current_sha256 = models.BinaryField(max_length=32)
    previous_sha256 = models.BinaryField(max_length=32, null=True)
    generation = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField("last refreshed")
    expires_at = models.DateTimeField("ends at the latest")
    revoked_at = models.DateTimeField("ended", null=True)
    reuse_detected_at = models.DateTimeField("stolen token seen", null=True)
    created_at = models.DateTimeField("began", db_default=Now())

    class Meta:
        db_table = "refresh_family"
        verbose_name = "refresh token family"
        verbose_name_plural = "refresh token families"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="refresh_family_session_once", fields=["session_id", "user_id"]
            ),
            models.CheckConstraint(
                name="refresh_family_reuse_ends_it",
                condition=models.Q(reuse_detected_at=None) | models.Q(revoked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="refresh_family_ends_after_it_began",
                condition=models.Q(expires_at__gt=models.F("created_at")),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.pk)
