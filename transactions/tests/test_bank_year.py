"""A year of a real bank: every balance is the bank's while its month is away, and after."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from core import archives, clock
from core.principals import HOUSE_USER_ID
from tests import database
from transactions import constants, importing, selectors, verification
from transactions.models import EntryLine

BANK = settings.BASE_DIR / "demo" / "czech-bank-1993.csv.gz"


def _clean() -> bool:
    found = [finding.check.name for finding in verification.verify() if finding.faults]
    return not found and not verification.verify_seals().faults


@pytest.mark.long
def test_every_balance_is_the_banks_while_its_month_is_away_and_after(
    connect, committed_db, tmp_path
):
    call_command("demo_load")
    database.await_final()
    said = list(importing.rows(BANK))
    expected = {row.account: row.balance_after_minor for row in said}
    expected_after = {row.external_id: row.balance_after_minor for row in said}
    ledger = selectors.get_ledger(constants.DEFAULT_LEDGER)

    def balances() -> dict[str, int]:
        return selectors.final_balances(ledger.pk, list(expected))

    def after_each() -> dict[str | None, int]:
        # What autovacuum knows of tables that have just been filled, or emptied, is chance.
        connect("superuser").execute("ANALYZE")
        customers = EntryLine.objects.exclude(account__user_id=HOUSE_USER_ID)
        return dict(customers.values_list("transaction__reference", "balance_after"))

    assert len(expected_after) == 28_205
    assert after_each() == expected_after
    assert balances() == expected
    archive = archives.archive_month(month=clock.now().date(), folder=tmp_path, allow_current=True)
    assert archive.manifest["tables"]["transaction"]["rows"] == 28_205
    assert after_each() == {}
    assert balances() == expected
    assert _clean()
    archives.restore_archive(folder=Path(archive.folder))
    assert after_each() == expected_after
    assert balances() == expected
    assert _clean()
