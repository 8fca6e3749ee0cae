"""What people handed in; the content lies in the upload folder."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids


class StoredFile(models.Model):
    """A file of a person: what it is called, what it is, and under which name it lies."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("owner")
    name = models.CharField(max_length=200)
    media_type = models.CharField("type", max_length=64)
    size_bytes = models.BigIntegerField("bytes")
    sha256 = models.CharField("checksum", max_length=64)
    stored_as = models.CharField(max_length=32, editable=False)
    created_at = models.DateTimeField("handed in", db_default=Now())

    class Meta:
        db_table = "stored_file"
        verbose_name = "file"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="stored_file_has_content", condition=models.Q(size_bytes__gt=0)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user_id", "-id"], name="stored_file_owner"),
            models.Index(fields=["stored_as"], name="stored_file_stored_as"),
        ]

    @override
    def __str__(self) -> str:
        return self.name
