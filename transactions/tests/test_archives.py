"""A month leaves for the archive and comes back; what is derived from it stays right."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import threading
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core import archives, clock, partitions
from core.models import MonthArchive
from tests import database
from tests.database import url_of
from tests.people import make_person
from transactions import errors, selectors, verification
from transactions.models import ArchivedRun, LedgerAccount
from transactions.tests.callers import Caller
from transactions.tests.money import balance_of, footprint, move, open_account, post


def _month() -> dt.date:
    return clock.now().date().replace(day=1)


@pytest.fixture
def accounts(committed_db):
    """Two accounts with entries of today and back-dated ones."""
    ada = make_person("ada@example.org").principal
    a, b = open_account(ada, balance=10_000), open_account(ada)
    for number in range(12):
        back = dt.timedelta(days=number % 4)
        effective_at = clock.now() - back if back else None
        post(move(a, b, 10 + number, reference=f"r-{number}", effective_at=effective_at))
    database.await_final()
    return a, b


def _archive(tmp_path: Path) -> MonthArchive:
    database.await_final()
    return archives.archive_month(month=_month(), folder=tmp_path, allow_current=True)


def _day_ends(account: uuid.UUID) -> list[int]:
    row = LedgerAccount.objects.get(pk=account)
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        selectors.balance_at(row, today + dt.timedelta(days=1 - back), by=by, inclusive=False)
        for back in range(6)
        for by in ("recorded", "effective")
    ]


def _statement(account: uuid.UUID, by) -> list[dict[str, Any]]:
    row = LedgerAccount.objects.get(pk=account)
    tomorrow = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(1)
    long_ago = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    return list(selectors.statement_stream(row, since=long_ago, until=tomorrow, by=by))


def _clean() -> bool:
    found = [finding for finding in verification.verify() if finding.faults]
    return not found and not verification.verify_seals().faults


def test_balances_and_statements_stay_right_while_a_month_is_away(accounts, tmp_path):
    before = {account: (balance_of(account), _day_ends(account)) for account in accounts}
    lines = {(a, by): _statement(a, by) for a in accounts for by in ("recorded", "effective")}
    counted = footprint()
    archive = _archive(tmp_path)
    assert archive.manifest["tables"]["transaction"]["rows"] == 13
    assert archive.manifest["tables"]["entry"]["sums"]["amount"] == "0"
    assert footprint()[:3] == (0, 0, 0)
    assert {a: (balance_of(a), _day_ends(a)) for a in accounts} == before
    for (account, by), old in lines.items():
        new = _statement(account, by)
        assert sum(line["entries"] for line in new) == len(old)
        assert new[-1]["balance"] == old[-1]["balance"]
        assert sum(line["amount"] for line in new) == sum(line["amount"] for line in old)
        assert {line["transaction_id"] for line in new} == {None}
    assert _clean()
    archives.restore_archive(folder=Path(archive.folder))
    assert footprint() == counted
    assert {key: _statement(*key) for key in lines} == lines
    assert {a: (balance_of(a), _day_ends(a)) for a in accounts} == before
    assert not ArchivedRun.objects.exists()
    assert _clean()


def test_ledger_goes_on_above_an_archived_month(accounts, tmp_path):
    a, b = accounts
    archive = _archive(tmp_path)
    had = balance_of(b)
    post(move(a, b, 5, effective_at=clock.now() - dt.timedelta(days=2)))
    assert balance_of(b) == had + 5
    database.await_final()
    assert _clean()
    second = _archive(tmp_path)
    assert second.manifest["tables"]["transaction"]["rows"] == 1
    assert _clean()
    for folder in (archive.folder, second.folder):
        archives.restore_archive(folder=Path(folder))
    assert _clean()


def test_moment_within_an_archived_day_is_refused_not_guessed(accounts, tmp_path):
    _archive(tmp_path)
    grace = Caller(make_person("grace@example.org", role="auditor"))
    today = clock.now().date().isoformat()
    path = f"ledger-accounts/{accounts[1]}/balance/?at={today}T"
    answer = grace.get(f"{path}12:00:00Z")
    assert (answer.status_code, answer.json()["code"]) == (409, "LEDGER_MOMENT_ARCHIVED")
    end = grace.get(f"{path}23:59:59.999999Z")
    assert (end.status_code, end.json()["posted"]) == (200, balance_of(accounts[1]))
    for bounds, status in (
        (f"from={today}T00:00:00Z", 409),  # until now, which is within the day
        (f"to={today}T00:00:00Z", 200),
    ):
        for format_ in ("json", "csv"):
            asked = f"ledger-accounts/{accounts[1]}/statement/?{bounds}&format={format_}"
            assert grace.get(asked).status_code == status


def test_archived_transaction_is_gone_with_a_reason(accounts, tmp_path):
    (gone,) = selectors.ids_with_reference("r-3")
    _archive(tmp_path)
    answer = Caller(make_person("grace@example.org", role="auditor")).get(f"transactions/{gone}/")
    assert (answer.status_code, answer.json()["code"]) == (410, "TXN_ARCHIVED")
    assert answer.json()["month"] == f"{_month():%Y-%m}"
    with pytest.raises(errors.ReferenceTaken):
        post(move(accounts[0], accounts[1], 1, reference="r-3"))


def test_only_a_month_that_is_over_leaves(accounts, tmp_path):
    with pytest.raises(CommandError, match="not over"):
        call_command("partitions_archive", f"--month={_month():%Y-%m}", f"--folder={tmp_path}")
    with pytest.raises(CommandError, match="not here"):
        call_command("partitions_archive", "--month=2001-01", f"--folder={tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_month_that_changes_meanwhile_stays(accounts, tmp_path, monkeypatch):
    check = archives._require_equal_files

    def posting_meanwhile(*arguments):
        check(*arguments)
        post(move(accounts[0], accounts[1], 1))

    monkeypatch.setattr(archives, "_require_equal_files", posting_meanwhile)
    counted = footprint()[0]
    with pytest.raises(archives.ArchiveFault, match="changed meanwhile"):
        _archive(tmp_path)
    assert footprint()[0] == counted + 1
    assert not MonthArchive.objects.exists()
    assert list(tmp_path.iterdir()) == []


def test_month_with_a_transaction_that_is_not_sealed_stays(accounts, tmp_path, committed_db):
    with psycopg.connect(url_of("app", committed_db)) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        post(move(accounts[0], accounts[1], 1))
        with pytest.raises(archives.ArchiveFault, match="not sealed yet"):
            archives.archive_month(month=_month(), folder=tmp_path, allow_current=True)
    assert footprint()[0] == 14


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "entry.copy.gz").unlink(),
        lambda folder: (folder / "entry.copy.gz").write_bytes(gzip.compress(b"")),
        lambda folder: (folder / "manifest.json").write_text("{}"),
    ],
)
def test_damaged_archive_is_refused_and_nothing_comes_back(accounts, tmp_path, damage):
    archive = _archive(tmp_path)
    damage(Path(archive.folder))
    with pytest.raises(CommandError):
        call_command("partitions_restore", archive.folder)
    assert footprint()[0] == 0
    assert MonthArchive.objects.get().restored_at is None


def test_altered_rows_with_a_fitting_hash_of_the_file_are_refused(accounts, tmp_path):
    archive = _archive(tmp_path)
    path = Path(archive.folder) / "entry.copy.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"USD", b"EUR")))
    archive.manifest["tables"]["entry"]["sha256"] = archives._sha256(path)
    archive.save()
    with pytest.raises(archives.ArchiveFault, match="rows of its manifest"):
        archives.restore_archive(folder=Path(archive.folder))
    assert footprint()[1] == 0


def test_archive_comes_back_once(accounts, tmp_path, capsys):
    archive = _archive(tmp_path)
    call_command("partitions_restore", archive.folder)
    assert "entry" in capsys.readouterr().out
    with pytest.raises(CommandError, match="was restored"):
        call_command("partitions_restore", archive.folder)
    manifest = json.loads((Path(archive.folder) / "manifest.json").read_text())
    assert footprint()[0] == manifest["tables"]["transaction"]["rows"] == 13


def test_writers_wait_and_lose_nothing_while_the_current_month_leaves(accounts, tmp_path):
    posted: list[uuid.UUID] = []
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            posted.append(post(move(accounts[0], accounts[1], 1)).id)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    while len(posted) < 5:
        pass
    for _ in range(3):
        try:
            archives.archive_month(month=_month(), folder=tmp_path, allow_current=True)
        except archives.ArchiveFault as exc:
            assert "try again" in str(exc)  # noqa: PT017 - either outcome is right
    is_over.set()
    writer.join()
    rows = sum(
        archive.manifest["tables"]["transaction"]["rows"] for archive in MonthArchive.objects.all()
    )
    assert rows + footprint()[0] == 13 + len(posted)
    database.await_final()
    assert not any(finding.faults for finding in verification.verify())


def test_check_names_a_missing_month_and_rights(committed_db, connect, capsys):
    call_command("partitions_check")
    assert "3 whole months ahead" in capsys.readouterr().out
    first, second, *_ = partitions.months_of("entry")
    connect("owner").execute(f"DROP TABLE entry_{second:%Y_%m}")
    connect("owner").execute(f"GRANT INSERT ON entry_{first:%Y_%m} TO strongroom_app")
    with pytest.raises(CommandError, match="2 faults"):
        call_command("partitions_check")
    said = capsys.readouterr().out
    assert f"entry has no partition for {second:%Y-%m}" in said
    assert f"entry_{first:%Y_%m} itself" in said


def test_old_months_are_chosen_by_how_many_to_keep(committed_db, tmp_path, capsys):
    partitions.ensure_months(first=partitions._add_months(_month(), -3))
    call_command("partitions_archive", keep_months=2, folder=tmp_path)
    assert MonthArchive.objects.get().month == partitions._add_months(_month(), -3)
    call_command("partitions_archive", keep_months=2, folder=tmp_path)
    assert "Nothing to do" in capsys.readouterr().out
    call_command("partitions_check")
