"""Cookies we issue, their registry, and who agreed to them."""

import datetime as dt

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import ids, schema


def seed(apps, schema_editor):
    """Add the two cookies that the service itself issues."""
    definition = apps.get_model("sessions_app", "CookieDefinition")
    for name, purpose, days in (
        ("__Host-remember", "Keeps you logged in on this device.", 30),
        ("__Host-device", "Lets this device skip the second factor.", 90),
    ):
        definition.objects.using(schema_editor.connection.alias).create(
            id=ids.uuid7(),
            name=name,
            category="necessary",
            purpose=purpose,
            max_age_s=days * 86_400,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0004_signing_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ConsentSubject",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(null=True, verbose_name="person")),
                ("anonymous_tag", models.BinaryField(max_length=32, null=True)),
                ("records", models.PositiveIntegerField(default=0)),
                (
                    "head_hash",
                    models.BinaryField(
                        default=b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                        max_length=32,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="first seen",
                    ),
                ),
            ],
            options={
                "verbose_name": "consent giver",
                "db_table": "consent_subject",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(fields=("user_id",), name="consent_subject_user_once"),
                    models.UniqueConstraint(
                        fields=("anonymous_tag",), name="consent_subject_visitor_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CookieDefinition",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=128)),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("necessary", "necessary"),
                            ("functional", "functional"),
                            ("analytics", "analytics"),
                            ("marketing", "marketing"),
                        ],
                        max_length=16,
                    ),
                ),
                ("purpose", models.CharField(max_length=500)),
                ("domain", models.CharField(blank=True, max_length=253)),
                ("path", models.CharField(default="/", max_length=1024)),
                ("secure", models.BooleanField(default=True, verbose_name="HTTPS only")),
                (
                    "http_only",
                    models.BooleanField(default=True, verbose_name="hidden from scripts"),
                ),
                (
                    "same_site",
                    models.CharField(
                        choices=[("Strict", "Strict"), ("Lax", "Lax"), ("None", "None")],
                        default="Lax",
                        max_length=8,
                    ),
                ),
                (
                    "partitioned",
                    models.BooleanField(default=False, verbose_name="kept apart by site"),
                ),
                ("max_age_s", models.PositiveIntegerField(verbose_name="lifetime in seconds")),
                ("is_active", models.BooleanField(default=True, verbose_name="in use")),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="made"
                    ),
                ),
            ],
            options={
                "verbose_name": "kind of cookie",
                "verbose_name_plural": "kinds of cookies",
                "db_table": "cookie_definition",
                "ordering": ["name"],
                "permissions": [("manage_cookies", "Can say which cookies are issued")],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(fields=("name",), name="cookie_definition_name_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("category__in", ("necessary", "functional", "analytics", "marketing"))
                        ),
                        name="cookie_definition_category_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_age_s__gte", 1), ("max_age_s__lte", 34560000)),
                        name="cookie_definition_lifetime",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("http_only", True)),
                        name="cookie_definition_hides_its_secret",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("secure", True),
                            models.Q(
                                models.Q(("same_site", "None"), _negated=True),
                                ("partitioned", False),
                            ),
                            _connector="OR",
                        ),
                        name="cookie_definition_cross_site_needs_https",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("text", models.TextField()),
                ("text_sha256", models.BinaryField(max_length=32)),
                ("published_by_id", models.UUIDField(verbose_name="published by")),
                (
                    "published_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="published",
                    ),
                ),
            ],
            options={
                "verbose_name": "cookie policy",
                "verbose_name_plural": "cookie policies",
                "db_table": "cookie_policy_version",
                "ordering": ["-version"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(fields=("version",), name="cookie_policy_version_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Cookie",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("app", "app"),
                            ("remember", "remember"),
                            ("trusted_device", "trusted_device"),
                        ],
                        max_length=16,
                    ),
                ),
                ("subject_id", models.UUIDField(null=True, verbose_name="whose consent")),
                ("session_id", models.UUIDField(null=True, verbose_name="session")),
                ("generation", models.PositiveIntegerField(default=0, verbose_name="times used")),
                ("key_id", models.CharField(max_length=16)),
                ("current_sha256", models.BinaryField(max_length=32)),
                ("previous_sha256", models.BinaryField(max_length=32, null=True)),
                ("rotated_at", models.DateTimeField(verbose_name="last used")),
                ("value_sealed", models.BinaryField(null=True)),
                ("expires_at", models.DateTimeField(verbose_name="ends")),
                ("revoked_at", models.DateTimeField(null=True, verbose_name="revoked")),
                (
                    "revoke_reason",
                    models.CharField(blank=True, max_length=32, verbose_name="why revoked"),
                ),
                ("client_address", models.GenericIPAddressField(null=True, verbose_name="address")),
                ("user_agent", models.CharField(blank=True, max_length=512, verbose_name="device")),
                ("created_at", models.DateTimeField(verbose_name="issued")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="cookies",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
                (
                    "definition",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sessions_app.cookiedefinition",
                        verbose_name="cookie",
                    ),
                ),
            ],
            options={
                "verbose_name": "issued cookie",
                "db_table": "cookie",
                "ordering": ["-id"],
                "permissions": [("revoke_any_cookie", "Can revoke anybody's cookies")],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("revoked_at", None)),
                        fields=["user", "kind"],
                        name="cookie_of_user_live",
                    ),
                    models.Index(
                        condition=models.Q(("revoked_at", None), ("subject_id__isnull", False)),
                        fields=["subject_id"],
                        name="cookie_of_subject_live",
                    ),
                    models.Index(fields=["expires_at"], name="cookie_expiry"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ("app", "remember", "trusted_device"))),
                        name="cookie_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__gt", models.F("created_at")),
                            (
                                "expires_at__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("created_at"),
                                    "+",
                                    models.Value(dt.timedelta(days=400)),
                                ),
                            ),
                        ),
                        name="cookie_lifetime",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ConsentRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("subject_id", models.UUIDField(verbose_name="consent giver")),
                ("sequence", models.PositiveIntegerField(verbose_name="number")),
                ("choices", models.JSONField()),
                (
                    "mechanism",
                    models.CharField(
                        choices=[
                            ("banner", "banner"),
                            ("settings", "settings"),
                            ("withdrawal", "withdrawal"),
                            ("gpc", "gpc"),
                        ],
                        max_length=16,
                        verbose_name="how",
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=200, verbose_name="where")),
                ("gpc", models.BooleanField(verbose_name="Global Privacy Control")),
                ("locale", models.CharField(blank=True, max_length=35, verbose_name="language")),
                (
                    "client_network",
                    models.CharField(blank=True, max_length=64, verbose_name="network"),
                ),
                ("created_at", models.DateTimeField(verbose_name="recorded")),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                (
                    "policy",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="sessions_app.policyversion",
                    ),
                ),
            ],
            options={
                "verbose_name": "consent",
                "db_table": "consent_record",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subject_id", "sequence"), name="consent_record_sequence_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("mechanism__in", ("banner", "settings", "withdrawal", "gpc"))
                        ),
                        name="consent_record_mechanism_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sequence__gte", 1)),
                        name="consent_record_begins_with_one",
                    ),
                ],
            },
        ),
        schema.composite_key("cookie", "id", "user_id"),
        schema.foreign_key(
            "cookie", ("definition_id",), to="cookie_definition", to_columns=("id",)
        ),
        schema.composite_key("consent_record", "id", "subject_id"),
        schema.foreign_key(
            "consent_record", ("subject_id",), to="consent_subject", to_columns=("id",)
        ),
        schema.foreign_key(
            "consent_record", ("policy_id",), to="cookie_policy_version", to_columns=("id",)
        ),
        schema.append_only("consent_record"),
        schema.append_only("cookie_policy_version"),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
