"""Passwords that somebody else made are to be replaced before anything else."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_plain_questions"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="has_one_time_password",
            field=models.BooleanField(
                default=False,
                db_default=False,
                editable=False,
                help_text="Somebody else made the password: it opens nothing but what replaces it.",
                verbose_name="must choose a password",
            ),
        ),
    ]
