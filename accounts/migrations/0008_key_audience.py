"""Keys know whose tokens they may ask about."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_one_time_passwords"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="audience",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Whose tokens it may ask about; empty: this service's own.",
                max_length=256,
                verbose_name="asks for",
            ),
        ),
    ]
