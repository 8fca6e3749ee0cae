"""Postings may reverse a transaction or capture a hold, and each keeps the limits by itself."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "post_transactions.sql"
# As they were before; a fresh database never had them.
REPLACED = [
    "DROP FUNCTION IF EXISTS post_transactions(uuid, text, uuid[], text[], text[], timestamptz[], "
    "text[], int[], uuid[], uuid[], bigint[], text[], uuid[], bigint[], uuid, uuid, text, uuid, "
    "text, inet, uuid, uuid, uuid, bytea)",
    "DROP FUNCTION IF EXISTS explain_refused_posting(uuid, int[], uuid[], uuid[], text[], uuid[], "
    "bigint[], uuid)",
]


class Migration(migrations.Migration):
    dependencies = [("transactions", "0005_seals")]

    operations = [
        migrations.RunSQL(
            sql=[*REPLACED, SQL.read_text(encoding="utf-8")], reverse_sql=migrations.RunSQL.noop
        ),
    ]
