"""Months that left for the archive."""

from django.db import migrations, models

import core.ids


class Migration(migrations.Migration):
    dependencies = [("core", "0004_webhooks")]

    operations = [
        migrations.CreateModel(
            name="MonthArchive",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("month", models.DateField()),
                ("first_id", models.UUIDField()),
                ("end_id", models.UUIDField()),
                ("folder", models.TextField()),
                ("manifest", models.JSONField()),
                ("archived_at", models.DateTimeField(verbose_name="archived")),
                ("restored_at", models.DateTimeField(null=True, verbose_name="restored")),
            ],
            options={
                "verbose_name": "archived month",
                "db_table": "month_archive",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.CheckConstraint(
                        name="month_archive_range",
                        condition=models.Q(("first_id__lt", models.F("end_id"))),
                    )
                ],
                "indexes": [models.Index(fields=["month"], name="month_archive_month")],
            },
        ),
    ]
