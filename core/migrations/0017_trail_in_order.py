"""Rows of the audit trail sort as they were made, within a millisecond too."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "audit_changes.sql"


class Migration(migrations.Migration):
    dependencies = [("core", "0016_cheaper_trail")]

    operations = [
        migrations.RunSQL(sql=SQL.read_text(encoding="utf-8"), reverse_sql=migrations.RunSQL.noop),
    ]
