"""Sessions that a remembered device began."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0007_acting"),
    ]

    operations = [
        migrations.AddField(
            model_name="session",
            name="cookie_id",
            field=models.UUIDField(null=True, verbose_name="came back with"),
        ),
    ]
