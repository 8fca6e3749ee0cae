"""History: transactions, entries, references; append-only and, for the big ones, by month."""

import django.db.models.deletion
from django.db import migrations, models

import core.ids
from core import schema

# Wide columns first: PostgreSQL aligns each to its size.
TRANSACTION = """
CREATE TABLE "transaction" (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    ledger_id uuid NOT NULL,
    actor_id uuid NOT NULL,
    session_id uuid,
    reverses_id uuid,
    hold_id uuid,
    effective_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind varchar(16) NOT NULL,
    actor_kind varchar(16) NOT NULL,
    request_id varchar(64) NOT NULL,
    reference varchar(128),
    description varchar(500),
    metadata jsonb,
    CONSTRAINT transaction_pkey PRIMARY KEY (id, user_id)
) PARTITION BY RANGE (id);
"""
ENTRY = """
CREATE TABLE entry (
    transaction_id uuid NOT NULL,
    user_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount bigint NOT NULL,
    account_seq bigint NOT NULL,
    balance_after bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    effective_at timestamptz,
    leg smallint NOT NULL,
    asset_code varchar(16) NOT NULL,
    CONSTRAINT entry_pkey PRIMARY KEY (transaction_id, leg, user_id),
    CONSTRAINT entry_amount_not_zero CHECK (amount <> 0),
    CONSTRAINT entry_account_seq_positive CHECK (account_seq > 0)
) PARTITION BY RANGE (transaction_id);
-- One index for the page, the statement and the balance at an instant: recorded_at never goes
-- back along account_seq, because it is taken under the balance's lock.
CREATE INDEX entry_account_recorded ON entry (account_id, recorded_at, account_seq);
-- The few entries whose two clocks differ correct the recorded balance to the effective one.
CREATE INDEX entry_account_effective ON entry (account_id, effective_at)
    WHERE effective_at IS NOT NULL;
"""
ZERO_SUM = """
CREATE FUNCTION require_zero_sum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM new_entries GROUP BY transaction_id, asset_code HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'the entries of a transaction must sum to zero for each asset'
            USING ERRCODE = 'SR002';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER entry_zero_sum AFTER INSERT ON entry
    REFERENCING NEW TABLE AS new_entries
    FOR EACH STATEMENT EXECUTE FUNCTION require_zero_sum();
"""
ENTRY_LINE = """
CREATE VIEW entry_line WITH (security_invoker = true) AS
SELECT transaction_id::text || ':' || leg AS id, transaction_id, leg, account_id, asset_code,
       amount, account_seq, balance_after, recorded_at,
       coalesce(effective_at, recorded_at) AS effective_at
FROM entry
"""


class Migration(migrations.Migration):
    dependencies = [("transactions", "0001_accounts")]

    operations = [
        schema.in_state_only(
            migrations.CreateModel(
                name="Transaction",
                fields=[
                    (
                        "id",
                        models.UUIDField(
                            default=core.ids.uuid7,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    ("user_id", models.UUIDField()),
                    ("kind", models.CharField(default="posting", max_length=16)),
                    ("reference", models.CharField(max_length=128, null=True)),
                    ("description", models.CharField(max_length=500, null=True)),
                    ("effective_at", models.DateTimeField(verbose_name="takes effect")),
                    ("recorded_at", models.DateTimeField(verbose_name="recorded")),
                    ("metadata", models.JSONField(null=True)),
                    ("actor_id", models.UUIDField(verbose_name="posted by")),
                    ("actor_kind", models.CharField(max_length=16)),
                    ("session_id", models.UUIDField(null=True)),
                    ("request_id", models.CharField(max_length=64)),
                    ("reverses_id", models.UUIDField(null=True)),
                    ("hold_id", models.UUIDField(null=True)),
                    (
                        "ledger",
                        models.ForeignKey(
                            db_constraint=False,
                            db_index=False,
                            on_delete=django.db.models.deletion.DO_NOTHING,
                            to="transactions.ledger",
                        ),
                    ),
                ],
                options={
                    "db_table": "transaction",
                    "ordering": ["-id"],
                    "permissions": [
                        ("post_any_transaction", "Can move money between any ledger accounts")
                    ],
                    "default_permissions": ["view"],
                },
            ),
            sql=TRANSACTION,
            reverse_sql='DROP TABLE "transaction"',
        ),
        schema.append_only("transaction"),
        schema.in_state_only(
            migrations.CreateModel(
                name="Entry",
                fields=[
                    (
                        "pk",
                        models.CompositePrimaryKey(
                            "transaction_id",
                            "leg",
                            "user_id",
                            blank=True,
                            editable=False,
                            primary_key=True,
                            serialize=False,
                        ),
                    ),
                    ("transaction_id", models.UUIDField()),
                    ("leg", models.SmallIntegerField()),
                    ("user_id", models.UUIDField()),
                    ("account_id", models.UUIDField()),
                    ("asset_code", models.CharField(max_length=16)),
                    ("amount", models.BigIntegerField()),
                    ("account_seq", models.BigIntegerField()),
                    ("balance_after", models.BigIntegerField()),
                    ("recorded_at", models.DateTimeField()),
                    ("effective_at", models.DateTimeField(null=True)),
                ],
                options={
                    "verbose_name_plural": "entries",
                    "db_table": "entry",
                    "default_permissions": [],
                },
            ),
            sql=ENTRY,
            reverse_sql='DROP TABLE "entry"',
        ),
        schema.append_only("entry"),
        migrations.RunSQL(
            sql=ZERO_SUM,
            reverse_sql="DROP TRIGGER entry_zero_sum ON entry; DROP FUNCTION require_zero_sum()",
        ),
        migrations.CreateModel(
            name="TransactionReference",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "ledger_id",
                        "reference",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("ledger_id", models.UUIDField()),
                ("reference", models.CharField(max_length=128)),
                ("transaction_id", models.UUIDField()),
            ],
            options={
                "db_table": "transaction_reference",
                "default_permissions": [],
            },
        ),
        schema.append_only("transaction_reference"),
        migrations.RunSQL(sql=ENTRY_LINE, reverse_sql="DROP VIEW entry_line"),
        migrations.CreateModel(
            name="EntryLine",
            fields=[
                ("id", models.CharField(max_length=48, primary_key=True, serialize=False)),
                ("leg", models.SmallIntegerField()),
                ("asset_code", models.CharField(max_length=16, verbose_name="asset")),
                ("amount", models.BigIntegerField()),
                ("account_seq", models.BigIntegerField(verbose_name="number")),
                ("balance_after", models.BigIntegerField()),
                ("recorded_at", models.DateTimeField(verbose_name="recorded")),
                ("effective_at", models.DateTimeField(verbose_name="takes effect")),
                (
                    "transaction",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="lines",
                        to="transactions.transaction",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="lines",
                        to="transactions.ledgeraccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "entry",
                "verbose_name_plural": "entries",
                "db_table": "entry_line",
                "ordering": ["-transaction_id", "leg"],
                "managed": False,
                "default_permissions": ["view"],
            },
        ),
    ]
