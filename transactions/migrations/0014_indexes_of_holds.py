"""Indexes for looking up holds by account, and those that are pending."""

from django.db import migrations, models


class Migration(migrations.Migration):
    accepted = {"require-concurrent-index-creation": "Before the first release no hold is stored."}
    dependencies = [("transactions", "0013_schedule_failures")]

    operations = [
        migrations.AddIndex(
            model_name="hold", index=models.Index(fields=["source", "-id"], name="hold_source")
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(fields=["destination", "-id"], name="hold_destination"),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                fields=["-id"], name="hold_pending", condition=models.Q(status="pending")
            ),
        ),
        migrations.AlterModelOptions(
            name="snapshotline",
            options={
                "default_permissions": ["view"],
                "managed": False,
                "ordering": ["-account_id", "-day"],
                "verbose_name": "daily balance",
            },
        ),
    ]
