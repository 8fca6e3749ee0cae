"""Why a scheduled transaction failed, and how often something broke before it did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("transactions", "0012_limits_of_holds")]

    operations = [
        migrations.AddField(
            model_name="schedule",
            name="attempts",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, verbose_name="broken attempts"
            ),
        ),
        migrations.AddField(
            model_name="schedule",
            name="failure_detail",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=500, verbose_name="because"
            ),
        ),
    ]
