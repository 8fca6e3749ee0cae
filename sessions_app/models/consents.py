"""Who agreed to which cookies, when, and to which words: a record that proves itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids
from sessions_app import constants


class PolicyVersion(models.Model):
    """One wording of the cookie policy. Append-only; the newest one is asked about."""

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    version = models.PositiveIntegerField()
    text = models.TextField()
    text_sha256 = models.BinaryField(max_length=32)
    published_by_id = models.UUIDField("published by")
    published_at = models.DateTimeField("published", db_default=Now())

    class Meta:
        db_table = "cookie_policy_version"
        verbose_name = "cookie policy"
        verbose_name_plural = "cookie policies"
        ordering: ClassVar = ["-version"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="cookie_policy_version_once", fields=["version"]),
        ]

    @override
    def __str__(self) -> str:
        return f"Version {self.version}"


class ConsentSubject(models.Model):
    """Whose consents a chain of records is about; the only place that says who that is.

    A visitor is known by an HMAC of the id an application made up for them. When a person is
    erased, ``user_id`` is emptied: the records stay as proof about a pseudonym. ``head_hash`` is
    the newest record's, so that records missing at the end are noticed too.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("person", null=True)
    anonymous_tag = models.BinaryField(max_length=32, null=True)
    records = models.PositiveIntegerField(default=0)
    head_hash = models.BinaryField(max_length=32, default=bytes(32))
    created_at = models.DateTimeField("first seen", db_default=Now())

    class Meta:
        db_table = "consent_subject"
        verbose_name = "consent giver"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="consent_subject_user_once", fields=["user_id"]),
            models.UniqueConstraint(name="consent_subject_visitor_once", fields=["anonymous_tag"]),
        ]

    @override
    def __str__(self) -> str:
        return str(self.pk)


class ConsentRecord(models.Model):
    """What somebody agreed to and refused at one moment. Append-only, chained per subject.

    Withdrawal is another record. ``hash`` covers the record and ``previous_hash``.
    """

    append_only: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    subject_id = models.UUIDField("consent giver")
    sequence = models.PositiveIntegerField("number")
    policy = models.ForeignKey(
        PolicyVersion,
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    choices = models.JSONField()
    mechanism = models.CharField(
        "how", max_length=16, choices=[(word, word) for word in constants.CONSENT_MECHANISMS]
    )
    source = models.CharField("where", max_length=constants.CONSENT_SOURCE_LENGTH_MAX, blank=True)
    gpc = models.BooleanField("Global Privacy Control")
    locale = models.CharField(
        "language", max_length=constants.CONSENT_LOCALE_LENGTH_MAX, blank=True
    )
    client_network = models.CharField("network", max_length=64, blank=True)
    created_at = models.DateTimeField("recorded")
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "consent_record"
        verbose_name = "consent"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="consent_record_sequence_once", fields=["subject_id", "sequence"]
            ),
            models.CheckConstraint(
                name="consent_record_mechanism_known",
                condition=models.Q(mechanism__in=constants.CONSENT_MECHANISMS),
            ),
            models.CheckConstraint(
                name="consent_record_begins_with_one", condition=models.Q(sequence__gte=1)
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.subject_id} {self.sequence}"
