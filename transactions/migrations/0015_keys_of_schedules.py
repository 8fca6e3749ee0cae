"""Schedules know the key that made them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transactions", "0014_indexes_of_holds"),
    ]

    operations = [
        migrations.AddField(
            model_name="schedule",
            name="api_key_id",
            field=models.UUIDField(null=True, verbose_name="scheduled with key"),
        ),
    ]
