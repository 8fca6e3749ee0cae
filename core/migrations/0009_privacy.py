"""What people asked of their data, and legal holds."""

import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0008_runtime_settings"),
    ]

    operations = [
        migrations.CreateModel(
            name="DataExport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="person")),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "queued"), ("done", "done"), ("failed", "failed")],
                        max_length=8,
                    ),
                ),
                ("rows", models.PositiveIntegerField(default=0)),
                ("size_bytes", models.BigIntegerField(default=0, verbose_name="bytes")),
                ("stored_as", models.CharField(blank=True, editable=False, max_length=32)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="asked"
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                ("expires_at", models.DateTimeField(verbose_name="gone after")),
            ],
            options={
                "verbose_name": "copy of a person's data",
                "verbose_name_plural": "copies of people's data",
                "db_table": "data_export",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(fields=["user_id", "-id"], name="data_export_of_person"),
                    models.Index(fields=["expires_at"], name="data_export_expiry"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("queued", "done", "failed"))),
                        name="data_export_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state", "done"), ("stored_as", ""), _connector="XOR"),
                        name="data_export_done_has_a_file",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "queued")),
                        fields=("user_id",),
                        name="data_export_one_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeletionRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="person")),
                ("asked_at", models.DateTimeField(verbose_name="asked")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("cancelled_at", models.DateTimeField(null=True, verbose_name="taken back")),
                ("erased_at", models.DateTimeField(null=True, verbose_name="erased")),
            ],
            options={
                "verbose_name": "request for deletion",
                "verbose_name_plural": "requests for deletion",
                "db_table": "deletion_request",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("cancelled_at", None), ("erased_at", None)),
                        fields=["due_at"],
                        name="deletion_request_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cancelled_at", None), ("erased_at", None)),
                        fields=("user_id",),
                        name="deletion_request_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("cancelled_at", None), ("erased_at", None), _connector="OR"
                        ),
                        name="deletion_request_one_end",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="person")),
                ("reason", models.CharField(max_length=500)),
                ("placed_by_id", models.UUIDField(verbose_name="placed by")),
                ("placed_at", models.DateTimeField(verbose_name="placed")),
                ("ended_by_id", models.UUIDField(null=True, verbose_name="ended by")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
            ],
            options={
                "verbose_name": "legal hold",
                "db_table": "legal_hold",
                "ordering": ["-id"],
                "default_permissions": ["view", "add", "change"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("user_id",),
                        name="legal_hold_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("ended_by_id", None)),
                            models.Q(("ended_at__isnull", False), ("ended_by_id__isnull", False)),
                            _connector="OR",
                        ),
                        name="legal_hold_ended_by_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonalKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="person")),
                ("key_sealed", models.BinaryField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="made"
                    ),
                ),
            ],
            options={
                "verbose_name": "personal key",
                "db_table": "personal_key",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(fields=("user_id",), name="personal_key_once")
                ],
            },
        ),
        schema.composite_key("data_export", "id", "user_id"),
        schema.composite_key("personal_key", "id", "user_id"),
        schema.composite_key("deletion_request", "id", "user_id"),
        schema.composite_key("legal_hold", "id", "user_id"),
    ]
