"""A hold that passes both limits is refused for the source's, like a posting."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "holds.sql"


class Migration(migrations.Migration):
    dependencies = [("transactions", "0011_plans_and_terms")]

    operations = [
        migrations.RunSQL(sql=SQL.read_text(encoding="utf-8"), reverse_sql=migrations.RunSQL.noop),
    ]
