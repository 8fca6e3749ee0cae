"""Keys for programs."""

import datetime as dt
import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("secret_sha256", models.BinaryField(max_length=32)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                (
                    "allowed_cidrs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        blank=True,
                        default=list,
                        size=None,
                        verbose_name="allowed networks",
                    ),
                ),
                ("epoch", models.PositiveIntegerField()),
                ("created_by_id", models.UUIDField(verbose_name="made by")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="made"
                    ),
                ),
                ("expires_at", models.DateTimeField(null=True, verbose_name="ends")),
                ("last_used_at", models.DateTimeField(null=True, verbose_name="last used")),
                ("last_used_address", models.GenericIPAddressField(null=True, verbose_name="from")),
                ("revoked_at", models.DateTimeField(null=True, verbose_name="revoked")),
                (
                    "revoke_reason",
                    models.CharField(blank=True, max_length=32, verbose_name="why revoked"),
                ),
                ("replaced_by_id", models.UUIDField(null=True, verbose_name="replaced by")),
                ("replaced_at", models.DateTimeField(null=True, verbose_name="replaced")),
                ("overlap_until", models.DateTimeField(null=True, verbose_name="works until")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "db_table": "api_key",
                "ordering": ["-id"],
                "permissions": [("revoke_any_apikey", "Can revoke anybody's API key")],
                "default_permissions": ["view", "add"],
                "indexes": [
                    models.Index(fields=["user", "-id"], name="api_key_of_user"),
                    models.Index(
                        condition=models.Q(("replaced_at", None), ("revoked_at", None)),
                        fields=["created_at"],
                        name="api_key_age",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("secret_sha256", "user_id"), name="api_key_secret_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__isnull", False),
                            ("user_id", uuid.UUID("00000000-0000-7000-8000-000000000001")),
                            _connector="OR",
                        ),
                        name="api_key_of_person_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("scopes__len__gt", 0)), name="api_key_may_something"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("overlap_until__isnull", True),
                                ("replaced_at__isnull", True),
                                ("replaced_by_id__isnull", True),
                            ),
                            models.Q(
                                ("overlap_until__isnull", False),
                                (
                                    "overlap_until__lte",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("replaced_at"),
                                        "+",
                                        models.Value(dt.timedelta(days=7)),
                                    ),
                                ),
                                ("replaced_at__isnull", False),
                                ("replaced_by_id__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="api_key_replaced_as_a_whole",
                    ),
                ],
            },
        ),
        schema.composite_key("api_key", "id", "user_id"),
        schema.foreign_key("api_key", ("user_id",), to="users", to_columns=("id",)),
    ]
