"""Who of the staff acted in somebody's name gets a column of its own in the audit trail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0014_golive"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="impersonator_id",
            field=models.UUIDField(null=True, verbose_name="by staff in their name"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("impersonator_id__isnull", False)),
                fields=["impersonator_id", "-id"],
                name="audit_event_impersonator",
            ),
        ),
    ]
