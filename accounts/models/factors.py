"""What people prove themselves with beside their password."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts import constants
from core import ids, personal_keys


class Factor(models.Model):
    """An authenticator app (TOTP) or a passkey (WebAuthn). It counts once it is confirmed.

    The seed of an app is sealed and bound to this row. ``last_step`` is the last time step whose
    code was used: no code works twice. Of a passkey there is only the public key.
    """

    sealed_personally: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="person",
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="factors",
    )
    kind = models.CharField(max_length=16, choices=constants.FACTOR_KINDS)
    label = models.CharField("name", max_length=constants.FACTOR_LABEL_LENGTH_MAX)
    seed_sealed = models.BinaryField(null=True)
    last_step = models.BigIntegerField(default=0)
    credential_id = models.BinaryField(max_length=1_023, null=True)
    public_key = models.BinaryField(null=True)
    sign_count = models.BigIntegerField(default=0)
    transports = ArrayField(models.CharField(max_length=16), default=list)
    is_backed_up = models.BooleanField("kept by its maker", default=False)
    created_at = models.DateTimeField("began", db_default=Now())
    confirmed_at = models.DateTimeField("confirmed", null=True)
    last_used_at = models.DateTimeField("last used", null=True)

    class Meta:
        db_table = "factor"
        verbose_name = "second factor"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="factor_credential_once", fields=["credential_id", "user"]
            ),
            models.CheckConstraint(
                name="factor_kind_known",
                condition=models.Q(kind__in=[kind for kind, _ in constants.FACTOR_KINDS]),
            ),
            models.CheckConstraint(
                name="factor_can_be_checked",
                condition=models.Q(confirmed_at=None)
                | models.Q(kind=constants.TOTP, seed_sealed__isnull=False)
                | models.Q(
                    kind=constants.PASSKEY, credential_id__isnull=False, public_key__isnull=False
                ),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user", "-id"], name="factor_of_user")]

    @override
    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.label}"

    @property
    def seed(self) -> str:
        """The seed of an authenticator app, in base32."""
        assert self.seed_sealed is not None, "only an app has one"
        box = personal_keys.Box(self.user_id)
        return box.unseal(bytes(self.seed_sealed), bound_to=self.seed_place).decode()

    @property
    def seed_place(self) -> str:
        """What the sealed seed is bound to."""
        return f"factor.seed_sealed:{self.pk}"


class RecoveryCode(models.Model):
    """One of ten codes to get in without the other factors; the code itself is nowhere."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="person",
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="recovery_codes",
    )
    code_sha256 = models.BinaryField(max_length=32)
    created_at = models.DateTimeField("made", db_default=Now())
    used_at = models.DateTimeField("used", null=True)

    class Meta:
        db_table = "recovery_code"
        verbose_name = "recovery code"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="recovery_code_once", fields=["user", "code_sha256"]),
        ]

    @override
    def __str__(self) -> str:
        return "used" if self.used_at else "unused"


class Challenge(models.Model):
    """A question that waits for its answer: which second factor, or which passkey.

    The one who asked holds a token, of which only the SHA-256 is here. ``user_id`` is nobody's
    where a passkey will say who it is. Five wrong answers or five minutes end it.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    token_sha256 = models.BinaryField(max_length=32)
    purpose = models.CharField(max_length=16, choices=constants.CHALLENGE_PURPOSES)
    epoch = models.PositiveIntegerField(default=0)
    session_id = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField("wrong answers", default=0)
    created_at = models.DateTimeField("asked", db_default=Now())
    expires_at = models.DateTimeField("ends")
    answered_at = models.DateTimeField("answered", null=True)

    class Meta:
        db_table = "challenge"
        verbose_name = "question for a second factor"
        verbose_name_plural = "questions for a second factor"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="challenge_token_once", fields=["token_sha256", "user_id"]
            ),
            models.CheckConstraint(
                name="challenge_attempts_bounded",
                condition=models.Q(attempts__lte=constants.CHALLENGE_ATTEMPTS_MAX),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="challenge_expiry")]

    @override
    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
