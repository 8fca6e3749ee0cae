"""Scheduled transactions, notes, terms of exchanges, and who froze an account."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import core.ids
from core import schema

SQL = Path(__file__).parent.parent / "sql" / "post_transactions.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("transactions", "0010_reconciliations"),
    ]

    operations = [
        migrations.AddField(
            model_name="ledgeraccount",
            name="status_before_lock",
            field=models.CharField(blank=True, default="", max_length=16),
        ),
        migrations.CreateModel(
            name="Exchange",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("user_id", models.UUIDField(verbose_name="owner of the source")),
                ("source_asset", models.CharField(max_length=16)),
                ("source_amount", models.BigIntegerField()),
                ("fee_amount", models.BigIntegerField(verbose_name="fee, in the source's asset")),
                ("destination_asset", models.CharField(max_length=16)),
                ("destination_amount", models.BigIntegerField()),
                ("rate", models.BigIntegerField()),
                ("rate_scale", models.PositiveSmallIntegerField()),
                ("created_at", models.DateTimeField(verbose_name="recorded")),
            ],
            options={
                "db_table": "exchange",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("destination_amount__gt", 0),
                            ("fee_amount__gte", 0),
                            ("rate__gt", 0),
                            ("source_amount__gt", 0),
                        ),
                        name="exchange_amounts_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("source_asset", models.F("destination_asset")), _negated=True
                        ),
                        name="exchange_assets_differ",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransactionNote",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="written by")),
                ("transaction_id", models.UUIDField(verbose_name="about")),
                ("text", models.CharField(max_length=2000)),
                ("created_at", models.DateTimeField(verbose_name="written")),
            ],
            options={
                "verbose_name": "note",
                "db_table": "transaction_note",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(fields=["transaction_id", "id"], name="transaction_note_about")
                ],
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="scheduled by")),
                ("draft", models.JSONField()),
                ("run_at", models.DateTimeField(verbose_name="due")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "scheduled"),
                            ("posted", "posted"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "may_take_from_any",
                    models.BooleanField(verbose_name="may take from any account"),
                ),
                ("actor_kind", models.CharField(max_length=16)),
                ("session_id", models.UUIDField(null=True)),
                ("request_id", models.CharField(max_length=64)),
                ("transaction_id", models.UUIDField(null=True, verbose_name="became")),
                (
                    "failure_code",
                    models.CharField(
                        blank=True, default="", max_length=64, verbose_name="failed with"
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="made")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                (
                    "ledger",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="transactions.ledger",
                    ),
                ),
            ],
            options={
                "verbose_name": "scheduled transaction",
                "db_table": "schedule",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(fields=["user_id", "-id"], name="schedule_owner"),
                    models.Index(
                        condition=models.Q(("status", "scheduled")),
                        fields=["run_at"],
                        name="schedule_due",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ("scheduled", "posted", "failed", "cancelled"))
                        ),
                        name="schedule_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("status", "scheduled")),
                            models.Q(
                                models.Q(("status", "scheduled"), _negated=True),
                                ("closed_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="schedule_closed_with_status",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "posted"), ("transaction_id__isnull", False)),
                            models.Q(
                                models.Q(("status", "posted"), _negated=True),
                                ("transaction_id", None),
                            ),
                            _connector="OR",
                        ),
                        name="schedule_posted_with_transaction",
                    ),
                ],
            },
        ),
        *[
            schema.composite_key(table, "id", "user_id")
            for table in ("schedule", "transaction_note", "exchange")
        ],
        schema.foreign_key("schedule", ("user_id",), to="users", to_columns=("id",)),
        schema.append_only("transaction_note"),
        schema.append_only("exchange"),
        migrations.RunSQL(sql=SQL.read_text(encoding="utf-8"), reverse_sql=migrations.RunSQL.noop),
    ]
