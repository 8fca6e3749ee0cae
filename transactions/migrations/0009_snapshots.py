"""Daily balances, how far they reach, and what stays of archived entries."""

import django.db.models.deletion
from django.db import migrations, models

from core import schema

SNAPSHOT_LINE = """
CREATE VIEW snapshot_line WITH (security_invoker = true) AS
SELECT account_id::text || ':' || day AS id, account_id, day, recorded, effective
FROM balance_snapshot
"""


def key(*columns):
    return models.CompositePrimaryKey(
        *columns, blank=True, editable=False, primary_key=True, serialize=False
    )


class Migration(migrations.Migration):
    dependencies = [("transactions", "0008_reversals")]

    operations = [
        migrations.CreateModel(
            name="BalanceSnapshot",
            fields=[
                ("pk", key("account_id", "day", "user_id")),
                ("account_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("day", models.DateField()),
                ("recorded", models.BigIntegerField()),
                ("effective", models.BigIntegerField()),
            ],
            options={"db_table": "balance_snapshot", "default_permissions": []},
        ),
        schema.foreign_key(
            "balance_snapshot",
            ("account_id", "user_id"),
            to="ledger_account",
            to_columns=("id", "user_id"),
        ),
        migrations.CreateModel(
            name="SnapshotHorizon",
            fields=[
                ("pk", key("account_id", "user_id")),
                ("account_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("entry_seq", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={"db_table": "snapshot_horizon", "default_permissions": []},
        ),
        schema.foreign_key(
            "snapshot_horizon",
            ("account_id", "user_id"),
            to="ledger_account",
            to_columns=("id", "user_id"),
        ),
        migrations.CreateModel(
            name="ArchivedRun",
            fields=[
                ("pk", key("account_id", "first_seq", "user_id")),
                ("user_id", models.UUIDField()),
                ("account_id", models.UUIDField()),
                ("archive_id", models.UUIDField()),
                ("recorded_day", models.DateField()),
                ("effective_day", models.DateField()),
                ("first_seq", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                ("amount", models.BigIntegerField()),
                ("balance_after", models.BigIntegerField()),
            ],
            options={
                "db_table": "archived_run",
                "default_permissions": [],
                "constraints": [
                    models.CheckConstraint(
                        name="archived_run_in_order",
                        condition=models.Q(("first_seq__lte", models.F("last_seq"))),
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["account_id", "recorded_day"], name="archived_run_recorded"
                    ),
                    models.Index(
                        fields=["account_id", "effective_day"], name="archived_run_effective"
                    ),
                    models.Index(fields=["archive_id"], name="archived_run_archive"),
                ],
            },
        ),
        schema.foreign_key(
            "archived_run",
            ("account_id", "user_id"),
            to="ledger_account",
            to_columns=("id", "user_id"),
        ),
        # In the order of a statement by date of effect.
        migrations.RunSQL(
            sql="DROP INDEX entry_account_effective; CREATE INDEX entry_account_effective "
            "ON entry (account_id, effective_at, account_seq) WHERE effective_at IS NOT NULL",
            reverse_sql="DROP INDEX entry_account_effective; CREATE INDEX entry_account_effective "
            "ON entry (account_id, effective_at) WHERE effective_at IS NOT NULL",
        ),
        migrations.RunSQL(sql=SNAPSHOT_LINE, reverse_sql="DROP VIEW snapshot_line"),
        migrations.CreateModel(
            name="SnapshotLine",
            fields=[
                ("id", models.CharField(max_length=48, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("recorded", models.BigIntegerField(verbose_name="by time of recording")),
                ("effective", models.BigIntegerField(verbose_name="by date of effect")),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="snapshots",
                        to="transactions.ledgeraccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "daily balance",
                "db_table": "snapshot_line",
                "ordering": ["-day", "account"],
                "managed": False,
                "default_permissions": ["view"],
            },
        ),
    ]
