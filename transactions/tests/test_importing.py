"""Loading a bank's file: all of it right, or the line that is not."""

from __future__ import annotations

import csv
import gzip

import pytest
from django.core.management import CommandError, call_command

from transactions.models import LedgerAccount, Transaction
from transactions.tests.money import footprint

DEMO = "demo/czech-bank-1993.csv.gz"


def _rows(count: int) -> list[dict[str, str]]:
    with gzip.open(DEMO, "rt", newline="") as file:
        return [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]


def _write(path, rows) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_slice_is_posted_once_with_the_banks_balances(db, tmp_path, capsys):
    rows = _rows(1_500)
    path = _write(tmp_path / "slice.csv", rows)
    call_command("ledger_import", path)
    assert "1500 posted" in capsys.readouterr().out
    final = {row["account"]: int(row["balance_after_minor"]) for row in rows}
    accounts = LedgerAccount.objects.filter(code__startswith="cz-").select_related("balance")
    assert {account.code: account.balance.posted for account in accounts} == final
    before = footprint()
    call_command("ledger_import", path)
    assert "0 posted, 1500 were there" in capsys.readouterr().out
    assert footprint() == before
    call_command("ledger_verify")


def test_interrupted_import_goes_on(db, tmp_path, capsys):
    rows = _rows(60)
    call_command("ledger_import", _write(tmp_path / "part.csv", rows[:25]))
    call_command("ledger_import", _write(tmp_path / "all.csv", rows))
    assert "35 posted, 25 were there" in capsys.readouterr().out
    assert Transaction.objects.count() == 60


FAULTS = {
    "amount": ({"amount_minor": "12.5"}, "amount_minor is not a whole number"),
    "huge": ({"amount_minor": "9" * 19}, "out of range"),
    "zero": ({"amount_minor": "0"}, "amount_minor is zero"),
    "date": ({"date": "1993-02-30"}, "date is not a date"),
    "empty": ({"account": ""}, "account is empty"),
    "control": ({"operation": "cash\x07"}, "control characters"),
    "twice": ({"external_id": "cz-695247"}, "is there twice"),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_bad_row_is_named_by_line_and_nothing_is_posted(db, tmp_path, fault):
    rows = _rows(30)
    change, reason = FAULTS[fault]
    rows[20] = {**rows[20], **change}
    with pytest.raises(CommandError, match=f"line 22: .*{reason}"):
        call_command("ledger_import", _write(tmp_path / "bad.csv", rows))
    assert Transaction.objects.count() == 0


def test_row_the_ledger_refuses_is_named_and_posted_neither_half(db, tmp_path):
    rows = _rows(30)
    rows[20] = {**rows[20], "balance_after_minor": "", "amount_minor": "-99999999999"}
    with pytest.raises(CommandError, match="line 22: TXN_INSUFFICIENT_FUNDS"):
        call_command("ledger_import", _write(tmp_path / "bad.csv", rows))
    assert Transaction.objects.count() == 20
    call_command("ledger_verify")


def test_missing_columns_and_unknown_asset_are_named(db, tmp_path):
    (tmp_path / "x.csv").write_text("date,account\n")
    with pytest.raises(CommandError, match="line 1: columns are missing: amount_minor"):
        call_command("ledger_import", str(tmp_path / "x.csv"))
    rows = [{**_rows(1)[0], "currency": "XQQ"}]
    with pytest.raises(CommandError, match="XQQ"):
        call_command("ledger_import", _write(tmp_path / "y.csv", rows))
    assert Transaction.objects.count() == 0


@pytest.mark.long
def test_whole_demo_equals_the_bank_and_a_second_load_changes_nothing(committed_db, capsys):
    call_command("demo_load")
    out = capsys.readouterr().out
    assert "28,205 of 28,205" in out
    assert "1,139 of 1,139" in out
    assert "3,657,591,290" in out
    before = footprint()
    call_command("demo_load")
    assert "nothing changed" in capsys.readouterr().out
    assert footprint() == before
    call_command("ledger_verify")
