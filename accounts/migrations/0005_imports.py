"""Room for imported password hashes, and imports of people with what became of each row."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import core.ids
from core import schema


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_second_factors"),
    ]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="password",
            field=models.CharField(max_length=512),
        ),
        migrations.AlterField(
            model_name="passwordbefore",
            name="password",
            field=models.CharField(max_length=512, verbose_name="hash"),
        ),
        migrations.CreateModel(
            name="PeopleImport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="sent by")),
                ("rows_sealed", models.BinaryField(null=True)),
                ("total", models.PositiveIntegerField(verbose_name="rows")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="sent"
                    ),
                ),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
            ],
            options={
                "verbose_name": "import of people",
                "verbose_name_plural": "imports of people",
                "db_table": "people_import",
                "ordering": ["-id"],
                "default_permissions": ["view"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("total__gte", 1), ("total__lte", 10000)),
                        name="people_import_size",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("rows_sealed__isnull", False)),
                            models.Q(("finished_at__isnull", False), ("rows_sealed", None)),
                            _connector="OR",
                        ),
                        name="people_import_forgets_its_rows",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportedRow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField(verbose_name="sent by")),
                ("number", models.PositiveIntegerField(verbose_name="row")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("created", "created"),
                            ("known", "known"),
                            ("refused", "refused"),
                        ],
                        max_length=16,
                    ),
                ),
                ("person_id", models.UUIDField(null=True, verbose_name="person")),
                ("code", models.CharField(blank=True, max_length=64)),
                ("detail", models.CharField(blank=True, max_length=200, verbose_name="why")),
                (
                    "people_import",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="accounts.peopleimport",
                        verbose_name="import",
                    ),
                ),
            ],
            options={
                "verbose_name": "imported row",
                "db_table": "people_import_row",
                "ordering": ["people_import", "number"],
                "default_permissions": ["view"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("people_import", "number", "user_id"), name="people_import_row_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ("created", "known", "refused"))),
                        name="people_import_row_outcome_known",
                    ),
                ],
            },
        ),
        schema.composite_key("people_import", "id", "user_id"),
        schema.composite_key("people_import_row", "id", "user_id"),
        schema.foreign_key("people_import", ("user_id",), to="users", to_columns=("id",)),
        schema.foreign_key(
            "people_import_row",
            ("people_import_id", "user_id"),
            to="people_import",
            to_columns=("id", "user_id"),
        ),
    ]
