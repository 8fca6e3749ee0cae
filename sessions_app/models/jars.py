"""Cookie jars: the cookies of other sites, kept for a program as a browser keeps them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from core import ids
from sessions_app import constants
from sessions_app.querysets import CookieJarQuerySet
from sessions_app.rfc6265.cookies import SAME_SITE


class CookieJar(models.Model):
    """One user agent's cookies; its owner may have several. Service keys share the house's."""

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="owner",
        on_delete=models.PROTECT,
        db_index=False,
        db_constraint=False,
        related_name="cookie_jars",
    )
    label = models.CharField(max_length=constants.JAR_LABEL_LENGTH_MAX)
    created_at = models.DateTimeField("made", db_default=Now())

    objects = CookieJarQuerySet.as_manager()

    class Meta:
        db_table = "cookie_jar"
        verbose_name = "cookie jar"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="cookie_jar_label_once", fields=["user", "label"]),
        ]

    @override
    def __str__(self) -> str:
        return self.label


class JarCookie(models.Model):
    """One cookie of a jar. Its value is encrypted, bound to this row.

    ``identity_sha256`` is what makes two cookies the same one (name, domain, host-only, path,
    partition): together they may be longer than an index takes.
    """

    sealed_personally: ClassVar = True

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    user_id = models.UUIDField("owner")
    jar = models.ForeignKey(
        CookieJar,
        on_delete=models.DO_NOTHING,
        db_index=False,
        db_constraint=False,
        related_name="cookies",
    )
    identity_sha256 = models.BinaryField(max_length=32)
    name = models.TextField(blank=True)
    domain = models.CharField(max_length=253)
    host_only = models.BooleanField("this host only")
    path = models.TextField()
    partition = models.TextField("kept apart for", blank=True)
    value_sealed = models.BinaryField(editable=False)
    secure = models.BooleanField("HTTPS only")
    http_only = models.BooleanField("hidden from scripts")
    same_site = models.CharField(max_length=8, choices=[(word, word) for word in SAME_SITE])
    expires_at = models.DateTimeField("ends", null=True)
    created_at = models.DateTimeField("came")
    accessed_at = models.DateTimeField("last sent")

    class Meta:
        db_table = "jar_cookie"
        verbose_name = "cookie in a jar"
        verbose_name_plural = "cookies in jars"
        ordering: ClassVar = ["-id"]
        default_permissions: ClassVar = ["view"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="jar_cookie_once", fields=["jar", "identity_sha256", "user_id"]
            ),
            models.CheckConstraint(
                name="jar_cookie_same_site_known", condition=models.Q(same_site__in=SAME_SITE)
            ),
            models.CheckConstraint(
                name="jar_cookie_path_absolute", condition=models.Q(path__startswith="/")
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"],
                name="jar_cookie_expiry",
                condition=models.Q(expires_at__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.name} of {self.domain}"
