"""Holds: money set aside."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import core.ids
from core import schema

SQL = Path(__file__).parent.parent / "sql" / "holds.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("transactions", "0006_posting_of_parts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="owner of the source")),
                ("destination_user_id", models.UUIDField(verbose_name="owner of the destination")),
                ("asset_code", models.CharField(max_length=16, verbose_name="asset")),
                ("amount", models.BigIntegerField()),
                ("captured", models.BigIntegerField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("captured", "captured"),
                            ("released", "released"),
                            ("expired", "expired"),
                        ],
                        max_length=16,
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("description", models.CharField(max_length=500, null=True)),
                ("metadata", models.JSONField(null=True)),
                ("actor_id", models.UUIDField(verbose_name="placed by")),
                ("actor_kind", models.CharField(max_length=16)),
                ("session_id", models.UUIDField(null=True)),
                ("request_id", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(verbose_name="placed")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                (
                    "destination",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promised_holds",
                        to="transactions.ledgeraccount",
                    ),
                ),
                (
                    "ledger",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="transactions.ledger",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds",
                        to="transactions.ledgeraccount",
                    ),
                ),
            ],
            options={
                "db_table": "hold",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "indexes": [
                    models.Index(fields=["user_id", "-id"], name="hold_owner"),
                    models.Index(
                        fields=["destination_user_id", "-id"], name="hold_destination_owner"
                    ),
                    models.Index(
                        condition=models.Q(("status", "pending")),
                        fields=["expires_at"],
                        name="hold_expiring",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="hold_amount_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("captured__gte", 0), ("captured__lte", models.F("amount"))
                        ),
                        name="hold_captured_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ("pending", "captured", "released", "expired"))
                        ),
                        name="hold_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("status", "pending")),
                            models.Q(
                                models.Q(("status", "pending"), _negated=True),
                                ("closed_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="hold_closed_with_status",
                    ),
                ],
            },
        ),
        schema.composite_key("hold", "id", "user_id"),
        schema.foreign_key(
            "hold", ("source_id", "user_id"), to="ledger_account", to_columns=("id", "user_id")
        ),
        migrations.RunSQL(
            sql=SQL.read_text(encoding="utf-8"),
            reverse_sql="DROP FUNCTION place_hold; DROP FUNCTION capture_hold; "
            "DROP FUNCTION free_holds",
        ),
    ]
