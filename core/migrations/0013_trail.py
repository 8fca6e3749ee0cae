"""The audit trail of rows: its table, its trigger function, the seals on both trails."""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids
from core import schema

SQL = Path(__file__).parent.parent / "sql" / "audit_changes.sql"
AUDIT_CHANGE = """
CREATE TABLE audit_change (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    actor_id uuid NOT NULL,
    actor_kind varchar(16) NOT NULL,
    impersonator_id uuid,
    session_id uuid,
    request_id varchar(64) NOT NULL,
    client_address inet,
    reason text NOT NULL,
    table_name varchar(63) NOT NULL,
    row_id varchar(100) NOT NULL,
    operation varchar(8) NOT NULL,
    before jsonb,
    after jsonb,
    database_role varchar(63) NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT audit_change_pkey PRIMARY KEY (id, user_id)
) PARTITION BY RANGE (id);
CREATE INDEX audit_change_user ON audit_change (user_id, id DESC);
CREATE INDEX audit_change_actor ON audit_change (actor_id, id DESC);
CREATE INDEX audit_change_row ON audit_change (row_id, id DESC);
CREATE INDEX audit_change_request ON audit_change (request_id);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0012_reports"),
    ]

    operations = [
        schema.in_state_only(
            migrations.CreateModel(
                name="AuditChange",
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
                    ("user_id", models.UUIDField(verbose_name="person")),
                    ("actor_id", models.UUIDField(verbose_name="done by")),
                    ("actor_kind", models.CharField(max_length=16)),
                    ("impersonator_id", models.UUIDField(null=True, verbose_name="acting as them")),
                    ("session_id", models.UUIDField(null=True)),
                    ("request_id", models.CharField(max_length=64)),
                    (
                        "client_address",
                        models.GenericIPAddressField(null=True, verbose_name="address"),
                    ),
                    ("reason", models.TextField(blank=True)),
                    ("table_name", models.CharField(max_length=63, verbose_name="table")),
                    ("row_id", models.CharField(max_length=100, verbose_name="row")),
                    (
                        "operation",
                        models.CharField(
                            choices=[
                                ("insert", "insert"),
                                ("update", "update"),
                                ("delete", "delete"),
                            ],
                            max_length=8,
                        ),
                    ),
                    ("before", models.JSONField(null=True)),
                    ("after", models.JSONField(null=True)),
                    ("database_role", models.CharField(max_length=63)),
                    (
                        "recorded_at",
                        models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                    ),
                ],
                options={
                    "verbose_name": "changed row",
                    "db_table": "audit_change",
                    "ordering": ["-id"],
                    "default_permissions": ["view"],
                    "indexes": [
                        models.Index(fields=["user_id", "-id"], name="audit_change_user"),
                        models.Index(fields=["actor_id", "-id"], name="audit_change_actor"),
                        models.Index(fields=["row_id", "-id"], name="audit_change_row"),
                        models.Index(fields=["request_id"], name="audit_change_request"),
                    ],
                },
            ),
            sql=AUDIT_CHANGE,
            reverse_sql="DROP TABLE audit_change",
        ),
        schema.append_only("audit_change"),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("trail", models.CharField(max_length=63)),
                ("number", models.PositiveIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("last_id", models.UUIDField()),
                ("members", models.BinaryField()),
                ("key_id", models.CharField(max_length=16, verbose_name="key")),
                ("mac", models.BinaryField(max_length=32)),
                (
                    "sealed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="sealed"
                    ),
                ),
            ],
            options={
                "verbose_name": "seal on the audit trail",
                "verbose_name_plural": "seals on the audit trail",
                "db_table": "audit_seal",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("trail", "number"), name="audit_seal_number_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rows__gt", 0)), name="audit_seal_not_empty"
                    ),
                ],
            },
        ),
        schema.append_only("audit_seal"),
        migrations.RunSQL(
            sql=SQL.read_text(encoding="utf-8"),
            reverse_sql=(
                "DROP FUNCTION audit_changes CASCADE; DROP FUNCTION IF EXISTS audit_shown; "
                "DROP FUNCTION audit_id"
            ),
        ),
    ]
