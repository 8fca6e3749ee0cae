"""The keys that sign JWTs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids
from sessions_app import constants


class SigningKey(models.Model):
    """One Ed25519 pair; its id is the ``kid``. What no longer signs has no private half here."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    state = models.CharField(
        max_length=16, choices=[(state, state) for state in constants.SIGNING_STATES]
    )
    public_key = models.BinaryField(max_length=32)
    private_sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField("made", db_default=Now())
    activated_at = models.DateTimeField("signs since", null=True)
    replaced_at = models.DateTimeField("signed until", null=True)
    retired_at = models.DateTimeField("worthless since", null=True)

    class Meta:
        db_table = "signing_key"
        verbose_name = "signing key"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="signing_key_one_active_one_next",
                fields=["state"],
                condition=models.Q(state__in=[constants.SIGNING_ACTIVE, constants.SIGNING_NEXT]),
            ),
            models.CheckConstraint(
                name="signing_key_state_known",
                condition=models.Q(state__in=constants.SIGNING_STATES),
            ),
            models.CheckConstraint(
                name="signing_key_private_while_it_signs",
                condition=models.Q(
                    state__in=[constants.SIGNING_ACTIVE, constants.SIGNING_NEXT],
                    private_sealed__isnull=False,
                )
                | models.Q(
                    state__in=[constants.SIGNING_RETIRING, constants.SIGNING_RETIRED],
                    private_sealed__isnull=True,
                ),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.pk)
