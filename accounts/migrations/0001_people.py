"""People, and the house: one reserved row that owns what nobody else does."""

import uuid

import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids

HOUSE = """
INSERT INTO users (id, email, email_normalized, name, password, is_active, is_staff, is_superuser,
                   session_epoch, version)
VALUES ('00000000-0000-7000-8000-000000000001', 'house@strongroom.invalid',
        'house@strongroom.invalid', 'The house', '!', false, false, false, 0, 1)
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail")),
                ("email_normalized", models.CharField(editable=False, max_length=254)),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Off: this person cannot log in, at once, anywhere.",
                        verbose_name="active",
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False, help_text="May enter this admin.", verbose_name="staff"
                    ),
                ),
                ("session_epoch", models.PositiveIntegerField(default=0, editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="joined",
                    ),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "person",
                "verbose_name_plural": "people",
                "db_table": "users",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("email_normalized",), name="users_email_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("pk", uuid.UUID("00000000-0000-7000-8000-000000000001")),
                                _negated=True,
                            ),
                            models.Q(
                                ("is_active", False), ("is_staff", False), ("is_superuser", False)
                            ),
                            _connector="OR",
                        ),
                        name="users_house_cannot_log_in",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("email_normalized", ""), _negated=True),
                        name="users_email_normalized_not_empty",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            sql=HOUSE,
            reverse_sql="DELETE FROM users WHERE id = '00000000-0000-7000-8000-000000000001'",
        ),
    ]
