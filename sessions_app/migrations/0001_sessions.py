"""Sessions, keyed by id and person."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("token_sha256", models.BinaryField(max_length=32)),
                (
                    "kind",
                    models.CharField(
                        choices=[("user", "user"), ("staff", "staff")],
                        default="user",
                        max_length=16,
                    ),
                ),
                ("assurance_level", models.PositiveSmallIntegerField(default=1)),
                ("epoch", models.PositiveIntegerField()),
                ("authenticated_at", models.DateTimeField(verbose_name="logged in")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen")),
                ("idle_timeout_s", models.PositiveIntegerField()),
                ("expires_at", models.DateTimeField(verbose_name="ends at the latest")),
                ("revoked_at", models.DateTimeField(null=True, verbose_name="ended")),
                (
                    "revoke_reason",
                    models.CharField(blank=True, max_length=32, verbose_name="why ended"),
                ),
                ("client_address", models.GenericIPAddressField(null=True, verbose_name="address")),
                ("user_agent", models.CharField(blank=True, max_length=512, verbose_name="device")),
                ("data", models.JSONField(default=dict)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="began"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "db_table": "session",
                "ordering": ["-id"],
                "permissions": [("revoke_any_session", "Can end anybody's session")],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("revoked_at", None)),
                        fields=["user", "-last_seen_at"],
                        name="session_of_user_live",
                    ),
                    models.Index(fields=["expires_at"], name="session_expiry"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("token_sha256", "user_id"), name="session_token_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("authenticated_at"))),
                        name="session_ends_after_it_began",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ("user", "staff"))),
                        name="session_kind_known",
                    ),
                ],
            },
        ),
        schema.composite_key("session", "id", "user_id"),
    ]
