"""The keys that sign JWTs."""

import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0003_refresh"),
    ]

    operations = [
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("next", "next"),
                            ("active", "active"),
                            ("retiring", "retiring"),
                            ("retired", "retired"),
                        ],
                        max_length=16,
                    ),
                ),
                ("public_key", models.BinaryField(max_length=32)),
                ("private_sealed", models.BinaryField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="made"
                    ),
                ),
                ("activated_at", models.DateTimeField(null=True, verbose_name="signs since")),
                ("replaced_at", models.DateTimeField(null=True, verbose_name="signed until")),
                ("retired_at", models.DateTimeField(null=True, verbose_name="worthless since")),
            ],
            options={
                "verbose_name": "signing key",
                "db_table": "signing_key",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["active", "next"])),
                        fields=("state",),
                        name="signing_key_one_active_one_next",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("next", "active", "retiring", "retired"))
                        ),
                        name="signing_key_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("private_sealed__isnull", False), ("state__in", ["active", "next"])
                            ),
                            models.Q(
                                ("private_sealed__isnull", True),
                                ("state__in", ["retiring", "retired"]),
                            ),
                            _connector="OR",
                        ),
                        name="signing_key_private_while_it_signs",
                    ),
                ],
            },
        ),
    ]
