"""Cookie jars and what is in them, keyed by id and owner."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0001_sessions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CookieJar",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("label", models.CharField(max_length=100)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="made"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cookie_jars",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "cookie jar",
                "db_table": "cookie_jar",
                "ordering": ["-id"],
                "default_permissions": ["view"],
            },
        ),
        migrations.CreateModel(
            name="JarCookie",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="owner")),
                ("identity_sha256", models.BinaryField(max_length=32)),
                ("name", models.TextField(blank=True)),
                ("domain", models.CharField(max_length=253)),
                ("host_only", models.BooleanField(verbose_name="this host only")),
                ("path", models.TextField()),
                ("partition", models.TextField(blank=True, verbose_name="kept apart for")),
                ("value_sealed", models.BinaryField()),
                ("secure", models.BooleanField(verbose_name="HTTPS only")),
                ("http_only", models.BooleanField(verbose_name="hidden from scripts")),
                (
                    "same_site",
                    models.CharField(
                        choices=[
                            ("Strict", "Strict"),
                            ("Lax", "Lax"),
                            ("None", "None"),
                            ("Default", "Default"),
                        ],
                        max_length=8,
                    ),
                ),
                ("expires_at", models.DateTimeField(null=True, verbose_name="ends")),
                ("created_at", models.DateTimeField(verbose_name="came")),
                ("accessed_at", models.DateTimeField(verbose_name="last sent")),
                (
                    "jar",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="cookies",
                        to="sessions_app.cookiejar",
                    ),
                ),
            ],
            options={
                "verbose_name": "cookie in a jar",
                "verbose_name_plural": "cookies in jars",
                "db_table": "jar_cookie",
                "ordering": ["-id"],
                "default_permissions": ["view"],
            },
        ),
        migrations.AddConstraint(
            model_name="cookiejar",
            constraint=models.UniqueConstraint(
                fields=("user", "label"), name="cookie_jar_label_once"
            ),
        ),
        migrations.AddIndex(
            model_name="jarcookie",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)),
                fields=["expires_at"],
                name="jar_cookie_expiry",
            ),
        ),
        migrations.AddConstraint(
            model_name="jarcookie",
            constraint=models.UniqueConstraint(
                fields=("jar", "identity_sha256", "user_id"), name="jar_cookie_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="jarcookie",
            constraint=models.CheckConstraint(
                condition=models.Q(("same_site__in", ("Strict", "Lax", "None", "Default"))),
                name="jar_cookie_same_site_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="jarcookie",
            constraint=models.CheckConstraint(
                condition=models.Q(("path__startswith", "/")), name="jar_cookie_path_absolute"
            ),
        ),
        schema.composite_key("cookie_jar", "id", "user_id"),
        schema.foreign_key("cookie_jar", ("user_id",), to="users", to_columns=("id",)),
        schema.composite_key("jar_cookie", "id", "user_id"),
        schema.foreign_key(
            "jar_cookie", ("jar_id", "user_id"), to="cookie_jar", to_columns=("id", "user_id")
        ),
    ]
