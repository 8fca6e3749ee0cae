"""Notices with versions, and who accepted which one."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids
from core import ids, schema
from core.principals import HOUSE_USER_ID

FIRST = """\
This text is a template: whoever runs this service must complete it and have it reviewed.

What we hold and why. Your address, your name and what you tell us, to know who you are; where and \
when you log in, to keep others out; what moves on your accounts, because the law has us keep books. \
The full list of every field is the operator's data map.

How long. Your account's data as long as the account; sessions and cookies for a month after they \
ended; books for ten years; the audit trail for seven.

Your rights. You can see, correct and copy all of your data, see who did what to it, take consents \
back, and have your account deleted, all by yourself once you are logged in. What the law has us \
keep then stays under a number. You may complain to your data protection authority."""


def seed(apps, schema_editor):
    """Publish the first privacy notice."""
    apps.get_model("accounts", "Notice").objects.using(schema_editor.connection.alias).create(
        id=ids.uuid7(), kind="privacy", version=1, text=FIRST, published_by_id=HOUSE_USER_ID
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_key_audience"),
        ("core", "0001_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("privacy", "Privacy notice"), ("terms", "Terms of use")],
                        max_length=16,
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                (
                    "text",
                    models.TextField(
                        help_text="Plain text; an empty line begins a paragraph. It can never be changed.",
                        max_length=100000,
                    ),
                ),
                ("published_by_id", models.UUIDField(verbose_name="published by")),
                (
                    "published_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="in force since",
                    ),
                ),
            ],
            options={
                "verbose_name": "notice",
                "db_table": "notice",
                "ordering": ["kind", "-version"],
                "default_permissions": ["view", "add"],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "version"), name="notice_version_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["privacy", "terms"])),
                        name="notice_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="NoticeAcceptance",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="person")),
                ("at_registration", models.BooleanField(verbose_name="when they registered")),
                (
                    "client_network",
                    models.CharField(blank=True, max_length=64, verbose_name="from"),
                ),
                ("accepted_at", models.DateTimeField(verbose_name="accepted")),
                (
                    "notice",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acceptances",
                        to="accounts.notice",
                    ),
                ),
            ],
            options={
                "verbose_name": "accepted notice",
                "db_table": "notice_acceptance",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user_id", "notice"), name="notice_acceptance_once"
                    )
                ],
                "indexes": [models.Index(fields=["notice"], name="notice_acceptance_notice")],
            },
        ),
        schema.composite_key("notice_acceptance", "id", "user_id"),
        schema.foreign_key("notice_acceptance", ("user_id",), to="users", to_columns=("id",)),
        schema.foreign_key("notice_acceptance", ("notice_id",), to="notice", to_columns=("id",)),
        schema.append_only("notice"),
        schema.append_only("notice_acceptance"),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
