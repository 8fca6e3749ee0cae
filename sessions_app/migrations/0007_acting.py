"""Acting as a person; finding what ended long ago."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0006_cookie_purge"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="session",
            options={
                "default_permissions": ["view"],
                "ordering": ["-id"],
                "permissions": [
                    ("revoke_any_session", "Can end anybody's session"),
                    ("impersonate_person", "Can act as a person"),
                ],
                "verbose_name": "session",
            },
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("revoked_at__isnull", False)),
                fields=["revoked_at"],
                name="session_ended",
            ),
        ),
    ]
