"""Reversals: running totals that the database keeps within the original."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transactions", "0007_holds"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReversedPosting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "transaction_id",
                        "posting",
                        "user_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("transaction_id", models.UUIDField()),
                ("posting", models.SmallIntegerField()),
                ("user_id", models.UUIDField()),
                ("amount", models.BigIntegerField()),
                ("reversed", models.BigIntegerField()),
            ],
            options={
                "db_table": "reversed_posting",
                "default_permissions": [],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("reversed__gt", 0), ("reversed__lte", models.F("amount"))
                        ),
                        name="reversed_posting_within_original",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            # Partial: a posting like most others costs them nothing.
            sql=[
                'CREATE INDEX transaction_reverses ON "transaction" (reverses_id) '
                "WHERE reverses_id IS NOT NULL",
                'CREATE INDEX transaction_hold ON "transaction" (hold_id) '
                "WHERE hold_id IS NOT NULL",
            ],
            reverse_sql=["DROP INDEX transaction_reverses", "DROP INDEX transaction_hold"],
        ),
    ]
