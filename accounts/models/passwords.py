"""Passwords people had before."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts import constants
from core import ids


class PasswordBefore(models.Model):
    """The hash of a password that was replaced, so that it is not chosen again."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="person",
        on_delete=models.CASCADE,
        db_index=False,
        db_constraint=False,
        related_name="passwords_before",
    )
    password = models.CharField("hash", max_length=constants.STORED_PASSWORD_LENGTH_MAX)
    created_at = models.DateTimeField("replaced", db_default=Now())

    class Meta:
        db_table = "password_before"
        verbose_name = "earlier password"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="password_before_of_user"),
        ]

    @override
    def __str__(self) -> str:
        return f"replaced {self.created_at:%Y-%m-%d}"
