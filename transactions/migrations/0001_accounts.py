"""Assets, ledgers, ledger accounts and their balances."""

import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0001_records"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Ledger",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("code", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=200)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("code",), name="ledger_code_once"),
                ],
                "db_table": "ledger",
                "ordering": ["code"],
                "default_permissions": ["view", "add"],
            },
        ),
        migrations.CreateModel(
            name="Asset",
            fields=[
                ("code", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                ("exponent", models.PositiveSmallIntegerField(verbose_name="decimals")),
                (
                    "iso_numeric",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="ISO number"
                    ),
                ),
            ],
            options={
                "db_table": "asset",
                "ordering": ["code"],
                "default_permissions": ["view", "add"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code__regex", "^[A-Z][A-Z0-9_]{1,15}$")),
                        name="asset_code_form",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("exponent__lte", 9)), name="asset_exponent_range"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("code", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, max_length=200)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("liability", "Liability"),
                            ("asset", "Asset"),
                            ("equity", "Equity"),
                            ("income", "Income"),
                            ("expense", "Expense"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("frozen_debit", "frozen debit"),
                            ("frozen", "frozen"),
                            ("closed", "closed"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("metadata", models.JSONField(default=dict)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="opened",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_accounts",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
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
                    "asset",
                    models.ForeignKey(
                        db_column="asset_code",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="transactions.asset",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("code", "user", "ledger", "asset"), name="ledger_account_code_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ("open", "frozen_debit", "frozen", "closed"))
                        ),
                        name="ledger_account_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("type__in", ("liability", "asset", "equity", "income", "expense"))
                        ),
                        name="ledger_account_type_known",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["user", "-id"], name="ledger_account_owner"),
                ],
                "verbose_name": "ledger account",
                "db_table": "ledger_account",
                "ordering": ["-id"],
                "default_permissions": ["view", "add", "change"],
            },
        ),
        migrations.CreateModel(
            name="Balance",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="balance",
                        serialize=False,
                        to="transactions.ledgeraccount",
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("ledger_id", models.UUIDField()),
                ("asset_code", models.CharField(max_length=16)),
                ("posted", models.BigIntegerField(default=0)),
                ("held_out", models.BigIntegerField(default=0)),
                ("held_in", models.BigIntegerField(default=0)),
                ("floor", models.BigIntegerField(default=0, null=True)),
                ("ceiling", models.BigIntegerField(null=True)),
                ("entry_seq", models.BigIntegerField(default=0)),
                ("may_debit", models.BooleanField(default=True)),
                ("may_credit", models.BooleanField(default=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("floor", None),
                            (
                                "posted__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("floor"), "+", models.F("held_out")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="balance_floor",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ceiling", None),
                            (
                                "posted__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("ceiling"), "-", models.F("held_in")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="balance_ceiling",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("held_in__gte", 0), ("held_out__gte", 0)),
                        name="balance_held_not_negative",
                    ),
                ],
                "db_table": "balance",
                "default_permissions": ["view"],
            },
        ),
        schema.composite_key("ledger_account", "id", "user_id"),
        schema.foreign_key("ledger_account", ("user_id",), to="users", to_columns=("id",)),
        schema.foreign_key("ledger_account", ("ledger_id",), to="ledger", to_columns=("id",)),
        schema.foreign_key("ledger_account", ("asset_code",), to="asset", to_columns=("code",)),
        schema.composite_key("balance", "account_id", "user_id"),
        schema.foreign_key(
            "balance",
            ("account_id", "user_id"),
            to="ledger_account",
            to_columns=("id", "user_id"),
        ),
        # Half-empty pages keep the updates of a posting on their page, without index work.
        migrations.RunSQL(
            sql="ALTER TABLE balance SET (fillfactor = 50)",
            reverse_sql="ALTER TABLE balance RESET (fillfactor)",
        ),
    ]
