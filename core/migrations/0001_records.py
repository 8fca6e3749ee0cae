"""Audit and outbox (append-only, partitioned by month of id) and the answered requests."""

import django.db.models.functions
from django.db import migrations, models

import core.ids
from core import schema

AUDIT_EVENT = """
CREATE TABLE audit_event (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    actor_id uuid NOT NULL,
    actor_kind varchar(16) NOT NULL,
    session_id uuid,
    action varchar(64) NOT NULL,
    target_type varchar(32) NOT NULL,
    target_id varchar(64) NOT NULL,
    outcome varchar(16) NOT NULL,
    request_id varchar(64) NOT NULL,
    client_address inet,
    data jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    CONSTRAINT audit_event_pkey PRIMARY KEY (id, user_id)
) PARTITION BY RANGE (id);
CREATE INDEX audit_event_user ON audit_event (user_id, id DESC);
CREATE INDEX audit_event_actor ON audit_event (actor_id, id DESC);
CREATE INDEX audit_event_target ON audit_event (target_id, id DESC);
CREATE INDEX audit_event_request ON audit_event (request_id);
"""
OUTBOX_EVENT = """
CREATE TABLE outbox_event (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    topic varchar(64) NOT NULL,
    object_id uuid NOT NULL,
    payload jsonb,
    recorded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT outbox_event_pkey PRIMARY KEY (id, user_id)
) PARTITION BY RANGE (id);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        schema.refuse_change_function(),
        schema.in_state_only(
            migrations.CreateModel(
                name="AuditEvent",
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
                    ("session_id", models.UUIDField(null=True)),
                    ("action", models.CharField(max_length=64)),
                    ("target_type", models.CharField(max_length=32)),
                    ("target_id", models.CharField(max_length=64)),
                    ("outcome", models.CharField(default="done", max_length=16)),
                    ("request_id", models.CharField(max_length=64)),
                    (
                        "client_address",
                        models.GenericIPAddressField(null=True, verbose_name="address"),
                    ),
                    ("data", models.JSONField(default=dict, verbose_name="details")),
                    (
                        "recorded_at",
                        models.DateTimeField(db_default=django.db.models.functions.Now()),
                    ),
                ],
                options={
                    "verbose_name": "audit event",
                    "db_table": "audit_event",
                    "ordering": ["-id"],
                    "indexes": [
                        models.Index(fields=["user_id", "-id"], name="audit_event_user"),
                        models.Index(fields=["actor_id", "-id"], name="audit_event_actor"),
                        models.Index(fields=["target_id", "-id"], name="audit_event_target"),
                        models.Index(fields=["request_id"], name="audit_event_request"),
                    ],
                },
            ),
            sql=AUDIT_EVENT,
            reverse_sql="DROP TABLE audit_event",
        ),
        schema.append_only("audit_event"),
        schema.in_state_only(
            migrations.CreateModel(
                name="OutboxEvent",
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
                    ("topic", models.CharField(max_length=64)),
                    ("object_id", models.UUIDField()),
                    ("payload", models.JSONField(null=True)),
                    (
                        "recorded_at",
                        models.DateTimeField(db_default=django.db.models.functions.Now()),
                    ),
                ],
                options={"verbose_name": "event", "db_table": "outbox_event", "ordering": ["-id"]},
            ),
            sql=OUTBOX_EVENT,
            reverse_sql="DROP TABLE outbox_event",
        ),
        schema.append_only("outbox_event"),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id",
                        "key_hash",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("key_hash", models.UUIDField()),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("status", models.SmallIntegerField()),
                ("object_id", models.UUIDField(null=True)),
                ("body", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.Now())),
            ],
            options={
                "verbose_name": "answered request",
                "db_table": "idempotency_key",
                "indexes": [models.Index(fields=["created_at"], name="idempotency_key_created")],
            },
        ),
    ]
