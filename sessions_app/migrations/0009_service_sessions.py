"""Sessions that services begin with their keys."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0008_remembered"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="session",
            name="session_kind_known",
        ),
        migrations.AddField(
            model_name="session",
            name="api_key_id",
            field=models.UUIDField(null=True, verbose_name="began with key"),
        ),
        migrations.AlterField(
            model_name="session",
            name="kind",
            field=models.CharField(
                choices=[
                    ("user", "user"),
                    ("staff", "staff"),
                    ("guest", "guest"),
                    ("impersonation", "impersonation"),
                    ("service", "service"),
                ],
                default="user",
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("api_key_id__isnull", False), ("revoked_at", None)),
                fields=["api_key_id"],
                name="session_of_key",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ("user", "staff", "guest", "impersonation", "service"))
                ),
                name="session_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="session",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("api_key_id__isnull", False), ("kind", "service")),
                    models.Q(models.Q(("kind", "service"), _negated=True), ("api_key_id", None)),
                    _connector="OR",
                ),
                name="session_of_service_has_key",
            ),
        ),
    ]
