"""Keys for programs."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts import constants, key_format
from accounts.querysets import ApiKeyQuerySet
from core import ids
from core.principals import HOUSE_USER_ID


class ApiKey(models.Model):
    """What a program shows instead of a login. The key itself is nowhere, only its SHA-256.

    A key of a person acts for them; a key of the house is a service's. ``epoch`` is the owner's
    ``session_epoch`` when it was made: what ends all sessions of a person ends their keys too. A
    rotated key works until ``overlap_until`` beside the one that replaced it. ``audience`` is the
    service that asks with it whom a token speaks for, and hears only of tokens made for it.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="owner",
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="api_keys",
    )
    name = models.CharField(max_length=constants.API_KEY_NAME_LENGTH_MAX)
    secret_sha256 = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=constants.SCOPE_LENGTH_MAX))
    allowed_cidrs = ArrayField(
        models.CharField(max_length=64), verbose_name="allowed networks", default=list, blank=True
    )
    audience = models.CharField(
        "asks for",
        max_length=constants.AUDIENCE_LENGTH_MAX,
        blank=True,
        default="",
        db_default="",
        help_text="Whose tokens it may ask about; empty: this service's own.",
    )
    epoch = models.PositiveIntegerField()
    created_by_id = models.UUIDField("made by")
    created_at = models.DateTimeField("made", db_default=Now())
    expires_at = models.DateTimeField("ends", null=True)
    last_used_at = models.DateTimeField("last used", null=True)
    last_used_address = models.GenericIPAddressField("from", null=True)
    revoked_at = models.DateTimeField("revoked", null=True)
    revoke_reason = models.CharField("why revoked", max_length=32, blank=True)
    replaced_by_id = models.UUIDField("replaced by", null=True)
    replaced_at = models.DateTimeField("replaced", null=True)
    overlap_until = models.DateTimeField("works until", null=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        db_table = "api_key"
        verbose_name = "API key"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view", "add"]
        permissions: ClassVar = [("revoke_any_apikey", "Can revoke anybody's API key")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="api_key_secret_once", fields=["secret_sha256", "user_id"]
            ),
            models.CheckConstraint(
                name="api_key_of_person_ends",
                condition=models.Q(expires_at__isnull=False) | models.Q(user_id=HOUSE_USER_ID),
            ),
            models.CheckConstraint(
                name="api_key_may_something", condition=models.Q(scopes__len__gt=0)
            ),
            models.CheckConstraint(
                name="api_key_replaced_as_a_whole",
                condition=models.Q(
                    replaced_by_id__isnull=True,
                    replaced_at__isnull=True,
                    overlap_until__isnull=True,
                )
                | models.Q(
                    replaced_by_id__isnull=False,
                    replaced_at__isnull=False,
                    overlap_until__isnull=False,
                    overlap_until__lte=models.F("replaced_at")
                    + dt.timedelta(seconds=constants.API_KEY_OVERLAP_S_MAX),
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-id"], name="api_key_of_user"),
            models.Index(
                fields=["created_at"],
                name="api_key_age",
                condition=models.Q(revoked_at=None, replaced_at=None),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.name

    @property
    def begins_with(self) -> str:
        """How the key's text begins, to recognise it where it is used."""
        return key_format.clear_part(key_id=self.pk, user_id=self.user_id)
