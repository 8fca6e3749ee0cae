"""Second factors, recovery codes, the questions that ask for them, and earlier passwords."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_mailed_links"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="mfa_enforced",
            field=models.BooleanField(
                default=False,
                help_text="Must prove two things to do anything that asks for a fresh login.",
                verbose_name="needs a second factor",
            ),
        ),
        migrations.CreateModel(
            name="Challenge",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="person")),
                ("token_sha256", models.BinaryField(max_length=32)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("login", "log in"),
                            ("reauthenticate", "log in afresh"),
                            ("passkey", "log in with a passkey"),
                        ],
                        max_length=16,
                    ),
                ),
                ("epoch", models.PositiveIntegerField(default=0)),
                ("session_id", models.UUIDField(null=True)),
                ("wishes", models.JSONField(default=dict, verbose_name="how to go on")),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(default=0, verbose_name="wrong answers"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="asked"
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="ends")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="answered")),
            ],
            options={
                "verbose_name": "question for a second factor",
                "verbose_name_plural": "questions for a second factor",
                "db_table": "challenge",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [models.Index(fields=["expires_at"], name="challenge_expiry")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("token_sha256", "user_id"), name="challenge_token_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("attempts__lte", 5)), name="challenge_attempts_bounded"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Factor",
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
                        choices=[("totp", "Authenticator app"), ("passkey", "Passkey")],
                        max_length=16,
                    ),
                ),
                ("label", models.CharField(max_length=64, verbose_name="name")),
                ("seed_sealed", models.BinaryField(null=True)),
                ("last_step", models.BigIntegerField(default=0)),
                ("credential_id", models.BinaryField(max_length=1023, null=True)),
                ("public_key", models.BinaryField(null=True)),
                ("sign_count", models.BigIntegerField(default=0)),
                (
                    "transports",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), default=list, size=None
                    ),
                ),
                (
                    "is_backed_up",
                    models.BooleanField(default=False, verbose_name="kept by its maker"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="began"
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True, verbose_name="confirmed")),
                ("last_used_at", models.DateTimeField(null=True, verbose_name="last used")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="factors",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "second factor",
                "db_table": "factor",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [models.Index(fields=["user", "-id"], name="factor_of_user")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("credential_id", "user"), name="factor_credential_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["totp", "passkey"])),
                        name="factor_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confirmed_at", None),
                            models.Q(("kind", "totp"), ("seed_sealed__isnull", False)),
                            models.Q(
                                ("credential_id__isnull", False),
                                ("kind", "passkey"),
                                ("public_key__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="factor_can_be_checked",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PasswordBefore",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="hash")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="replaced",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="passwords_before",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "earlier password",
                "db_table": "password_before",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [models.Index(fields=["user", "-id"], name="password_before_of_user")],
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("code_sha256", models.BinaryField(max_length=32)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="made"
                    ),
                ),
                ("used_at", models.DateTimeField(null=True, verbose_name="used")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recovery_codes",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "recovery code",
                "db_table": "recovery_code",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "code_sha256"), name="recovery_code_once"
                    )
                ],
            },
        ),
        schema.composite_key("challenge", "id", "user_id"),
        schema.composite_key("factor", "id", "user_id"),
        schema.composite_key("password_before", "id", "user_id"),
        schema.composite_key("recovery_code", "id", "user_id"),
        schema.foreign_key("factor", ("user_id",), to="users", to_columns=("id",)),
        schema.foreign_key("password_before", ("user_id",), to="users", to_columns=("id",)),
        schema.foreign_key("recovery_code", ("user_id",), to="users", to_columns=("id",)),
    ]
