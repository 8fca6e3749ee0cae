"""Seals, and transactions in the order of their commits."""

from django.db import migrations, models

from core import schema


class Migration(migrations.Migration):
    dependencies = [("core", "0002_epochs"), ("transactions", "0004_first_rows")]

    operations = [
        schema.ordered_by_commit("transaction"),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("transactions", models.IntegerField()),
                ("last_epoch", models.SmallIntegerField()),
                ("last_xid", models.BigIntegerField()),
                ("last_id", models.UUIDField()),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                ("members", models.BinaryField()),
                ("sealed_at", models.DateTimeField(verbose_name="sealed")),
            ],
            options={
                "db_table": "seal",
                "ordering": ["-number"],
                "default_permissions": ["view"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("transactions__gte", 1)), name="seal_not_empty"
                    )
                ],
            },
        ),
        schema.append_only("seal"),
    ]
