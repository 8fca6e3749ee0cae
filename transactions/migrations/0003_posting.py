"""The posting function."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "post_transactions.sql"


class Migration(migrations.Migration):
    dependencies = [("transactions", "0002_history")]

    operations = [
        migrations.RunSQL(
            sql=SQL.read_text(encoding="utf-8"),
            reverse_sql="DROP FUNCTION post_transactions; DROP FUNCTION explain_refused_posting",
        ),
    ]
