"""Verified addresses, user names, locks with reasons, and the links mailed to people."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import schema

# Nobody who could log in before has to prove their address now.
VERIFIED = """
UPDATE users SET email_verified_at = created_at
WHERE id <> '00000000-0000-7000-8000-000000000001'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_api_keys"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="OneTimeToken",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("verify_email", "verify_email"),
                            ("reset", "reset"),
                            ("change_email", "change_email"),
                            ("invite", "invite"),
                        ],
                        max_length=16,
                    ),
                ),
                ("token_sha256", models.BinaryField(max_length=32)),
                ("payload", models.JSONField(default=dict)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="sent"
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="good until")),
                ("consumed_at", models.DateTimeField(null=True, verbose_name="used or withdrawn")),
            ],
            options={
                "verbose_name": "one-time link",
                "db_table": "one_time_token",
                "ordering": ["-id"],
                "default_permissions": ["view"],
            },
        ),
        migrations.AlterModelOptions(
            name="user",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("lock_user", "Can lock people out and let them in again"),
                    ("help_user", "Can send links to people and make them choose a new password"),
                ],
                "verbose_name": "person",
                "verbose_name_plural": "people",
            },
        ),
        migrations.AddField(
            model_name="user",
            name="deleted_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="deleted"),
        ),
        migrations.AddField(
            model_name="user",
            name="email_verified_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="e-mail verified"),
        ),
        migrations.AddField(
            model_name="user",
            name="locale",
            field=models.CharField(default="en", max_length=16, verbose_name="language"),
        ),
        migrations.AddField(
            model_name="user",
            name="lock_reason",
            field=models.CharField(
                blank=True, editable=False, max_length=500, verbose_name="why locked out"
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="locked_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="locked out since"),
        ),
        migrations.AddField(
            model_name="user",
            name="private_metadata",
            field=models.JSONField(default=dict, verbose_name="notes for staff"),
        ),
        migrations.AddField(
            model_name="user",
            name="public_metadata",
            field=models.JSONField(default=dict, verbose_name="notes the person sees"),
        ),
        migrations.AddField(
            model_name="user",
            name="username",
            field=models.CharField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="username_normalized",
            field=models.CharField(editable=False, max_length=32, null=True),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                fields=("username_normalized",), name="users_username_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("lock_reason", ""), ("locked_at", None)),
                    models.Q(
                        ("is_active", False),
                        ("locked_at__isnull", False),
                        models.Q(("lock_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="users_locked_with_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("deleted_at", None), ("is_active", False), _connector="OR"),
                name="users_deleted_cannot_log_in",
            ),
        ),
        migrations.AddField(
            model_name="onetimetoken",
            name="user",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="one_time_tokens",
                to=settings.AUTH_USER_MODEL,
                verbose_name="person",
            ),
        ),
        migrations.AddIndex(
            model_name="onetimetoken",
            index=models.Index(
                condition=models.Q(("consumed_at", None), ("purpose", "invite")),
                fields=["-id"],
                name="one_time_token_open_invites",
            ),
        ),
        migrations.AddConstraint(
            model_name="onetimetoken",
            constraint=models.UniqueConstraint(
                fields=("user", "purpose"), name="one_time_token_newest_only"
            ),
        ),
        migrations.AddConstraint(
            model_name="onetimetoken",
            constraint=models.UniqueConstraint(
                fields=("token_sha256", "user"), name="one_time_token_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="onetimetoken",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ("verify_email", "reset", "change_email", "invite"))
                ),
                name="one_time_token_purpose_known",
            ),
        ),
        schema.composite_key("one_time_token", "id", "user_id"),
        schema.foreign_key("one_time_token", ("user_id",), to="users", to_columns=("id",)),
        migrations.RunSQL(sql=VERIFIED, reverse_sql=migrations.RunSQL.noop),
    ]
