"""The currencies of ISO 4217 and the ledger everybody starts with."""

import csv
from pathlib import Path

from django.db import migrations

from core import ids

CURRENCIES = Path(__file__).parent.parent / "data" / "iso4217.csv"


def seed(apps, schema_editor):
    """Add what is not there yet."""
    alias = schema_editor.connection.alias
    asset = apps.get_model("transactions", "Asset")
    with CURRENCIES.open(encoding="utf-8", newline="") as file:
        rows = [
            asset(
                code=row["code"],
                name=row["name"],
                exponent=int(row["exponent"]),
                iso_numeric=int(row["numeric"]),
            )
            for row in csv.DictReader(file)
        ]
    asset.objects.using(alias).bulk_create(rows, ignore_conflicts=True)
    apps.get_model("transactions", "Ledger").objects.using(alias).get_or_create(
        code="main", defaults={"id": ids.uuid7(), "name": "Main ledger"}
    )


class Migration(migrations.Migration):
    dependencies = [("transactions", "0003_posting")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
