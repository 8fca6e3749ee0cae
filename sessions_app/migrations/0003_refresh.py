"""Refresh families, guests, staff who act as somebody."""

import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0002_jars"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RefreshFamily",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="person")),
                ("session_id", models.UUIDField(verbose_name="session")),
                ("key_id", models.CharField(max_length=16, verbose_name="key")),
                ("current_sha256", models.BinaryField(max_length=32)),
                ("previous_sha256", models.BinaryField(max_length=32, null=True)),
                ("generation", models.PositiveIntegerField(default=0)),
                ("rotated_at", models.DateTimeField(verbose_name="last refreshed")),
                ("expires_at", models.DateTimeField(verbose_name="ends at the latest")),
                ("revoked_at", models.DateTimeField(null=True, verbose_name="ended")),
                (
                    "reuse_detected_at",
                    models.DateTimeField(null=True, verbose_name="stolen token seen"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="began"
                    ),
                ),
            ],
            options={
                "verbose_name": "refresh token family",
                "verbose_name_plural": "refresh token families",
                "db_table": "refresh_family",
                "ordering": ["-id"],
                "default_permissions": ["view"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="session",
            name="session_kind_known",
        ),
        migrations.AddField(
            model_name="session",
            name="data_version",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="session",
            name="impersonation_reason",
            field=models.CharField(blank=True, max_length=500, verbose_name="why acted as"),
        ),
        migrations.AddField(
            model_name="session",
            name="impersonator_id",
            field=models.UUIDField(null=True, verbose_name="acted as by"),
        ),
        migrations.AddField(
            model_name="session",
            name="impersonator_session_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="session",
            name="token_expires_at",
            field=models.DateTimeField(null=True, verbose_name="token ends"),
        ),
        migrations.AlterField(
            model_name="session",
            name="kind",
            field=models.CharField(
                choices=[
                    ("user", "user"),
                    ("staff", "staff"),
                    ("guest", "guest"),
                    ("impersonation", "impersonation"),
                ],
                default="user",
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("impersonator_id__isnull", False), ("revoked_at", None)),
                fields=["impersonator_id"],
                name="session_of_impersonator",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ("user", "staff", "guest", "impersonation"))),
                name="session_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("kind", "impersonation"), _negated=True),
                        ("impersonation_reason", ""),
                        ("impersonator_id", None),
                    ),
                    models.Q(
                        models.Q(("impersonation_reason", ""), _negated=True),
                        ("impersonator_id__isnull", False),
                        ("kind", "impersonation"),
                    ),
                    _connector="OR",
                ),
                name="session_impersonation_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="refreshfamily",
            constraint=models.UniqueConstraint(
                fields=("session_id", "user_id"), name="refresh_family_session_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="refreshfamily",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reuse_detected_at", None), ("revoked_at__isnull", False), _connector="OR"
                ),
                name="refresh_family_reuse_ends_it",
            ),
        ),
        migrations.AddConstraint(
            model_name="refreshfamily",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("created_at"))),
                name="refresh_family_ends_after_it_began",
            ),
        ),
        schema.composite_key("refresh_family", "id", "user_id"),
        schema.foreign_key(
            "refresh_family",
            ("session_id", "user_id"),
            to="session",
            to_columns=("id", "user_id"),
        ),
    ]
