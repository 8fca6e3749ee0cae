"""Cookies we issue: which there may be, and each one that was handed out."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids
from sessions_app import constants
from sessions_app.querysets import CookieQuerySet
from sessions_app.rfc6265.cookies import AGE_MAX
from sessions_app.rfc6265.writing import Attributes

_SAME_SITE = ("Strict", "Lax", "None")


class CookieDefinition(models.Model):
    """A cookie that applications may issue: its name, what it is for, how browsers keep it.

    Name and category stay as they are: consent was given to them.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    name = models.CharField(max_length=constants.COOKIE_NAME_LENGTH_MAX)
    category = models.CharField(
        max_length=16, choices=[(word, word) for word in constants.COOKIE_CATEGORIES]
    )
    purpose = models.CharField(max_length=constants.COOKIE_PURPOSE_LENGTH_MAX)
    domain = models.CharField(max_length=253, blank=True)
    path = models.CharField(max_length=1024, default="/")
    secure = models.BooleanField("HTTPS only", default=True)
    http_only = models.BooleanField("hidden from scripts", default=True)
    same_site = models.CharField(
        max_length=8, choices=[(word, word) for word in _SAME_SITE], default="Lax"
    )
    partitioned = models.BooleanField("kept apart by site", default=False)
    max_age_s = models.PositiveIntegerField("lifetime in seconds")
    is_active = models.BooleanField("in use", default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField("made", db_default=Now())

    class Meta:
        db_table = "cookie_definition"
        verbose_name = "kind of cookie"
        verbose_name_plural = "kinds of cookies"
        ordering: ClassVar = ["name"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("manage_cookies", "Can say which cookies are issued")]
        constraints: ClassVar = [
            models.UniqueConstraint(name="cookie_definition_name_once", fields=["name"]),
            models.CheckConstraint(
                name="cookie_definition_category_known",
                condition=models.Q(category__in=constants.COOKIE_CATEGORIES),
            ),
            models.CheckConstraint(
                name="cookie_definition_lifetime",
                condition=models.Q(max_age_s__gte=1, max_age_s__lte=int(AGE_MAX.total_seconds())),
            ),
            models.CheckConstraint(
                name="cookie_definition_hides_its_secret",
                condition=models.Q(http_only=True),
            ),
            models.CheckConstraint(
                name="cookie_definition_cross_site_needs_https",
                condition=models.Q(secure=True)
                | (~models.Q(same_site="None") & models.Q(partitioned=False)),
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.name

    def attributes(self, *, max_age_s: int) -> Attributes:
        """Return how browsers are told to keep such a cookie, for ``max_age_s`` seconds."""
        return Attributes(
            domain=self.domain,
            path=self.path,
            secure=self.secure,
            http_only=self.http_only,
            same_site=self.same_site,  # type: ignore[arg-type]  # the choices are these words
            partitioned=self.partitioned,
            max_age_s=max_age_s,
        )


class Cookie(models.Model):
    """A cookie in somebody's browser. The browser holds a token, we its hash and the value.

    The token is a link of a chain (:mod:`sessions_app.chains`); each use replaces it. ``user_id``
    may be that of a visitor whom no row of ``users`` has; ``subject_id`` is whose consent it needs.
    """

    sealed_personally: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="person",
        null=True,
        on_delete=models.DO_NOTHING,
        db_index=False,
        db_constraint=False,
        related_name="cookies",
    )
    definition = models.ForeignKey(
        CookieDefinition,
        verbose_name="cookie",
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    kind = models.CharField(
        max_length=16, choices=[(word, word) for word in constants.COOKIE_KINDS]
    )
    subject_id = models.UUIDField("whose consent", null=True)
    session_id = models.UUIDField("session", null=True)
    generation = models.PositiveIntegerField("times used", default=0)
    key_id = models.CharField(max_length=16)
    current_sha256 = models.BinaryField(max_length=32)
    previous_sha256 = models.BinaryField(max_length=32, null=True)
    rotated_at = models.DateTimeField("last used")
    value_sealed = models.BinaryField(null=True, editable=False)
    expires_at = models.DateTimeField("ends")
    revoked_at = models.DateTimeField("revoked", null=True)
    revoke_reason = models.CharField("why revoked", max_length=32, blank=True)
    client_address = models.GenericIPAddressField("address", null=True)
    user_agent = models.CharField("device", max_length=constants.USER_AGENT_LENGTH_MAX, blank=True)
    created_at = models.DateTimeField("issued")

    objects = CookieQuerySet.as_manager()

    class Meta:
        db_table = "cookie"
        verbose_name = "issued cookie"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("revoke_any_cookie", "Can revoke anybody's cookies")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="cookie_kind_known", condition=models.Q(kind__in=constants.COOKIE_KINDS)
            ),
            models.CheckConstraint(
                name="cookie_lifetime",
                condition=models.Q(expires_at__gt=models.F("created_at"))
                & models.Q(expires_at__lte=models.F("created_at") + dt.timedelta(days=400)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["user", "kind"],
                name="cookie_of_user_live",
                condition=models.Q(revoked_at=None),
            ),
            models.Index(
                fields=["subject_id"],
                name="cookie_of_subject_live",
                condition=models.Q(revoked_at=None, subject_id__isnull=False),
            ),
            models.Index(fields=["expires_at"], name="cookie_expiry"),
            models.Index(
                fields=["revoked_at"],
                name="cookie_revoked",
                condition=models.Q(revoked_at__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return str(self.pk)
