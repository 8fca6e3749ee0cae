"""A bank's statements beside ours."""

import django.db.models.deletion
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("transactions", "0009_snapshots"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="owner of the account")),
                ("first_day", models.DateField(verbose_name="from")),
                ("last_day", models.DateField(verbose_name="to")),
                (
                    "days_apart_max",
                    models.PositiveSmallIntegerField(verbose_name="days apart at most"),
                ),
                (
                    "file_sha256",
                    models.CharField(max_length=64, verbose_name="SHA-256 of the file"),
                ),
                ("matched", models.IntegerField()),
                ("unexpected", models.IntegerField()),
                ("missing", models.IntegerField()),
                ("actor_id", models.UUIDField(verbose_name="uploaded by")),
                ("created_at", models.DateTimeField(verbose_name="uploaded")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reconciliations",
                        to="transactions.ledgeraccount",
                    ),
                ),
            ],
            options={
                "db_table": "reconciliation",
                "ordering": ["-id"],
                "default_permissions": ["view", "add", "change"],
            },
        ),
        migrations.CreateModel(
            name="ReconciliationLine",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("matched", "matched"),
                            ("unexpected", "unexpected"),
                            ("missing", "missing"),
                        ],
                        max_length=16,
                    ),
                ),
                ("rule", models.CharField(blank=True, max_length=32, verbose_name="matched by")),
                ("day", models.DateField()),
                ("amount", models.BigIntegerField()),
                ("reference", models.CharField(blank=True, max_length=500)),
                ("description", models.CharField(blank=True, max_length=500)),
                ("transaction_id", models.UUIDField(null=True, verbose_name="transaction")),
                ("account_seq", models.BigIntegerField(null=True, verbose_name="entry number")),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("resolved_by", models.UUIDField(null=True)),
                ("resolved_at", models.DateTimeField(null=True, verbose_name="resolved")),
                (
                    "reconciliation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="transactions.reconciliation",
                    ),
                ),
            ],
            options={
                "verbose_name": "reconciliation line",
                "db_table": "reconciliation_line",
                "ordering": ["-id"],
                "default_permissions": ["view"],
            },
        ),
        schema.composite_key("reconciliation", "id", "user_id"),
        schema.foreign_key(
            "reconciliation",
            ("account_id", "user_id"),
            to="ledger_account",
            to_columns=("id", "user_id"),
        ),
        schema.composite_key("reconciliation_line", "id", "user_id"),
        schema.foreign_key(
            "reconciliation_line",
            ("reconciliation_id", "user_id"),
            to="reconciliation",
            to_columns=("id", "user_id"),
        ),
        migrations.AddIndex(
            model_name="reconciliation",
            index=models.Index(fields=["account", "-id"], name="reconciliation_account"),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_day__lte", models.F("last_day"))),
                name="reconciliation_days_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="reconciliationline",
            index=models.Index(fields=["reconciliation", "id"], name="reconciliation_line_order"),
        ),
        migrations.AddConstraint(
            model_name="reconciliationline",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("matched", "unexpected", "missing"))),
                name="reconciliation_line_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliationline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "unexpected"), ("transaction_id", None)),
                    models.Q(
                        models.Q(("state", "unexpected"), _negated=True),
                        ("account_seq__isnull", False),
                        ("transaction_id__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="reconciliation_line_sides",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliationline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), ("resolved_at", None), ("resolved_by", None)),
                    models.Q(
                        ("resolved_at__isnull", False),
                        ("resolved_by__isnull", False),
                        models.Q(("reason", ""), _negated=True),
                        models.Q(("state", "matched"), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="reconciliation_line_resolved_with_reason",
            ),
        ),
    ]
