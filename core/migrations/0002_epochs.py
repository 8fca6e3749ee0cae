"""Epochs, and the order of commits across them."""

from django.db import migrations, models

from core import schema


class Migration(migrations.Migration):
    dependencies = [("core", "0001_records")]

    operations = [
        migrations.CreateModel(
            name="Epoch",
            fields=[
                ("number", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("system_identifier", models.BigIntegerField(verbose_name="cluster")),
                ("timeline", models.IntegerField()),
                ("began_at", models.DateTimeField(verbose_name="began")),
            ],
            options={
                "db_table": "epoch",
                "ordering": ["-number"],
                "default_permissions": ["view"],
            },
        ),
        schema.append_only("epoch"),
        schema.ordered_by_commit("outbox_event"),
    ]
