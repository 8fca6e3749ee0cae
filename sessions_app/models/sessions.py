"""Sessions: who is logged in, where, until when."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts.models import ApiKey
from core import ids
from sessions_app import constants
from sessions_app.querysets import SessionQuerySet


class Session(models.Model):
    """One login on one device. The token itself is nowhere, only its SHA-256.

    ``user_id`` may be a guest's id that no row of ``users`` has, so there is no foreign key in
    the database; Django believes it nullable, which makes it join outwards.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="person",
        null=True,
        db_constraint=False,
        db_index=False,
        on_delete=models.DO_NOTHING,
        related_name="sessions",
    )
    token_sha256 = models.BinaryField(max_length=32)
    kind = models.CharField(
        max_length=16, choices=[(kind, kind) for kind in constants.KINDS], default="user"
    )
    assurance_level = models.PositiveSmallIntegerField(default=1)
    epoch = models.PositiveIntegerField()
    authenticated_at = models.DateTimeField("logged in")
    last_seen_at = models.DateTimeField("last seen")
    idle_timeout_s = models.PositiveIntegerField()
    expires_at = models.DateTimeField("ends at the latest")
    revoked_at = models.DateTimeField("ended", null=True)
    revoke_reason = models.CharField("why ended", max_length=32, blank=True)
    client_address = models.GenericIPAddressField("address", null=True)
    user_agent = models.CharField("device", max_length=constants.USER_AGENT_LENGTH_MAX, blank=True)
    # Only with a refresh token: the session outlives its bearer token, which is renewed.
    token_expires_at = models.DateTimeField("token ends", null=True)
    impersonator_id = models.UUIDField("acted as by", null=True)
    # The remembered device that began it: its person proved nothing just then.
    cookie_id = models.UUIDField("came back with", null=True)
    impersonator_session_id = models.UUIDField(null=True)
    impersonation_reason = models.CharField(
        "why acted as", max_length=constants.IMPERSONATION_REASON_LENGTH_MAX, blank=True
    )
    # The key that began a service's session, which can do what the key can, while it can.
    api_key_id = models.UUIDField("began with key", null=True)
    data = models.JSONField(default=dict)
    data_version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField("began", db_default=Now())

    # Only where the rows were read ``with_factor``.
    has_factor: bool
    # Only of a service's session that was found valid.
    api_key: ApiKey

    objects = SessionQuerySet.as_manager()

    class Meta:
        db_table = "session"
        verbose_name = "session"
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [
            ("revoke_any_session", "Can end anybody's session"),
            ("impersonate_person", "Can act as a person"),
        ]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="session_token_once", fields=["token_sha256", "user_id"]),
            models.CheckConstraint(
                name="session_ends_after_it_began",
                condition=models.Q(expires_at__gt=models.F("authenticated_at")),
            ),
            models.CheckConstraint(
                name="session_kind_known", condition=models.Q(kind__in=constants.KINDS)
            ),
            models.CheckConstraint(
                name="session_impersonation_has_reason",
                condition=models.Q(
                    ~models.Q(kind=constants.KIND_IMPERSONATION),
                    impersonator_id=None,
                    impersonation_reason="",
                )
                | models.Q(
                    ~models.Q(impersonation_reason=""),
                    kind=constants.KIND_IMPERSONATION,
                    impersonator_id__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="session_of_service_has_key",
                condition=models.Q(kind=constants.KIND_SERVICE, api_key_id__isnull=False)
                | models.Q(~models.Q(kind=constants.KIND_SERVICE), api_key_id=None),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["user", "-last_seen_at"],
                name="session_of_user_live",
                condition=models.Q(revoked_at=None),
            ),
            models.Index(fields=["expires_at"], name="session_expiry"),
            models.Index(
                fields=["revoked_at"],
                name="session_ended",
                condition=models.Q(revoked_at__isnull=False),
            ),
            models.Index(
                fields=["impersonator_id"],
                name="session_of_impersonator",
                condition=models.Q(impersonator_id__isnull=False, revoked_at=None),
            ),
            models.Index(
                fields=["api_key_id"],
                name="session_of_key",
                condition=models.Q(api_key_id__isnull=False, revoked_at=None),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.pk)
