"""Entries are inserted in the order of their primary key."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "post_transactions.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("transactions", "0015_keys_of_schedules"),
    ]

    operations = [
        migrations.RunSQL(sql=SQL.read_text(encoding="utf-8"), reverse_sql=migrations.RunSQL.noop),
    ]
