"""What people are told and agree to: each wording, and who accepted which one."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts import constants
from core import ids


class Notice(models.Model):
    """One wording of the privacy notice or of the terms. The newest of each kind is in force."""

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    kind = models.CharField(max_length=16, choices=constants.NOTICE_KINDS)
    version = models.PositiveIntegerField()
    text = models.TextField(
        max_length=constants.NOTICE_LENGTH_MAX,
        help_text="Plain text; an empty line begins a paragraph. It can never be changed.",
    )
    published_by_id = models.UUIDField("published by")
    published_at = models.DateTimeField("in force since", db_default=Now())

    class Meta:
        db_table = "notice"
        verbose_name = "notice"
        ordering: ClassVar = ["kind", "-version"]
        default_permissions: ClassVar = ["view", "add"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="notice_version_once", fields=["kind", "version"]),
            models.CheckConstraint(
                name="notice_kind_known",
                condition=models.Q(kind__in=[kind for kind, _ in constants.NOTICE_KINDS]),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.get_kind_display()}, version {self.version}"


class NoticeAcceptance(models.Model):
    """That a person agreed to one wording, when, and from which network."""

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person")
    notice = models.ForeignKey(
        Notice,
        db_constraint=False,  # made by the migration, checked at once
        db_index=False,  # below, under a name
        on_delete=models.PROTECT,
        related_name="acceptances",
    )
    at_registration = models.BooleanField("when they registered")
    client_network = models.CharField("from", max_length=64, blank=True)
    accepted_at = models.DateTimeField("accepted")

    class Meta:
        db_table = "notice_acceptance"
        verbose_name = "accepted notice"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="notice_acceptance_once", fields=["user_id", "notice"]),
        ]
        indexes: ClassVar = [models.Index(name="notice_acceptance_notice", fields=["notice"])]

    @override
    def __str__(self) -> str:
        return str(self.pk)
