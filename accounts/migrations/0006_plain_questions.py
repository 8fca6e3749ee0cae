"""A question for a second factor keeps no wishes: its answer says what it wishes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_imports"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="challenge",
            name="wishes",
        ),
    ]
