"""A bank's statement beside ours: what matches, what is missing, what is unexpected."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.models import AuditEvent
from sessions_app.services import start_session
from tests.people import Person
from transactions import bank_statements, constants
from transactions.bank_statements import BankLine, BookLine, match
from transactions.models import Reconciliation, ReconciliationLine
from transactions.tests.callers import Caller
from transactions.tests.money import footprint, move, open_account, post

DAY = dt.date(2026, 11, 20)
DAYS = st.integers(0, 9).map(lambda number: DAY + dt.timedelta(days=number))
AMOUNTS = st.sampled_from([-2, -1, 1, 2])
REFERENCES = st.sampled_from(["", "a", "b"])


def _book(day: dt.date, amount: int, reference: str = "") -> BookLine:
    return BookLine(day, amount, reference, "", uuid.UUID(int=1), 1)


@given(
    bank=st.lists(st.builds(BankLine, DAYS, AMOUNTS, REFERENCES), max_size=12),
    book=st.lists(st.builds(_book, DAYS, AMOUNTS, REFERENCES), max_size=12),
    days_apart=st.integers(0, 3),
)
def test_pairs_are_right_and_nothing_that_could_pair_is_left(bank, book, days_apart):
    pairs = match(bank, book, days_apart_max=days_apart)
    assert len({pair.bank for pair in pairs}) == len({pair.book for pair in pairs}) == len(pairs)
    for pair in pairs:
        theirs, ours = bank[pair.bank], book[pair.book]
        assert theirs.amount_minor == ours.amount_minor
        if pair.rule == bank_statements.BY_REFERENCE:
            assert theirs.reference == ours.reference != ""
        else:
            assert abs((theirs.day - ours.day).days) <= days_apart
    left_bank = [line for n, line in enumerate(bank) if n not in {pair.bank for pair in pairs}]
    left_book = [line for n, line in enumerate(book) if n not in {pair.book for pair in pairs}]
    for theirs in left_bank:
        for ours in left_book:
            is_same = theirs.amount_minor == ours.amount_minor
            is_near = abs((theirs.day - ours.day).days) <= days_apart
            is_named = theirs.reference != "" and theirs.reference == ours.reference
            assert not (is_same and (is_near or is_named))


def test_reference_comes_before_date_and_the_nearest_day_before_order():
    bank = [BankLine(DAY, 5), BankLine(DAY, 5, "r-1")]
    book = [
        _book(DAY, 5, "r-1"),
        _book(DAY + dt.timedelta(days=2), 5),
        _book(DAY + dt.timedelta(days=1), 5),
    ]
    found = {(pair.bank, pair.book, pair.rule) for pair in match(bank, book, days_apart_max=2)}
    assert found == {(1, 0, "reference"), (0, 2, "amount and date")}


def _upload(person: Person, account: uuid.UUID, body: str | bytes, /, **changes: str):
    today = clock.now().date()
    asked = {
        "account": str(account),
        "from": today.isoformat(),
        "to": today.isoformat(),
        **changes,
    }
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return Client().generic(
        "POST",
        f"/api/v1/reconciliations/?{query}",
        body,
        content_type="text/csv",
        headers={"Authorization": f"Bearer {start_session(user=person.user)[1]}"},
    )


@pytest.fixture
def bank(ada: Person):
    """An account with three entries of today."""
    a, b = open_account(ada.principal, balance=1_000), open_account(ada.principal)
    post(move(a, b, 10, reference="r-1"))
    post(move(a, b, 20))
    return a


def test_upload_reports_matched_missing_and_unexpected(ada, grace, bank):
    today = clock.now().date()
    text = f"date,amount_minor,reference,description\n{today},-10,r-1,\n{today},-7,,fee\n"
    before = footprint()[:2]
    made = _upload(grace, bank, text)
    assert made.status_code == 201
    report = made.json()
    assert (report["matched"], report["unexpected"], report["missing"]) == (1, 1, 2)
    by_grace = Caller(grace)
    assert by_grace.get(f"reconciliations/{report['id']}/").json() == report
    assert by_grace.get("reconciliations/").json()["items"] == [report]
    lines = by_grace.get(f"reconciliations/{report['id']}/lines/").json()["items"]
    assert [(line["state"], line["amount"], line["rule"]) for line in lines] == [
        ("matched", -10, "reference"),
        ("unexpected", -7, ""),
        ("missing", 1_000, ""),
        ("missing", -20, ""),
    ]
    only = by_grace.get(f"reconciliations/{report['id']}/lines/?state=unexpected").json()
    assert [line["description"] for line in only["items"]] == ["fee"]
    assert footprint()[:2] == before
    assert AuditEvent.objects.filter(action="reconciliation.upload").count() == 1


def test_difference_is_resolved_once_with_a_reason(ada, grace, bank):
    report = _upload(grace, bank, f"date,amount_minor\n{clock.now().date()},-10\n").json()
    by_grace = Caller(grace)
    lines = by_grace.get(f"reconciliations/{report['id']}/lines/").json()["items"]
    by_state = {line["state"]: line["id"] for line in lines}

    def resolve(line, reason="Booked on Monday."):
        path = f"reconciliations/{report['id']}/lines/{line}/resolve/"
        answer = by_grace.send("POST", path, {"reason": reason})
        return answer.status_code, answer.json()

    status, done = resolve(by_state["missing"])
    assert (status, done["reason"]) == (200, "Booked on Monday.")
    assert done["resolved_at"] is not None
    for line in (by_state["missing"], by_state["matched"]):
        status, refusal = resolve(line, "Again.")
        assert (status, refusal["code"]) == (409, "LEDGER_RECONCILIATION_LINE_SETTLED")
    assert resolve(by_state["missing"], "")[0] == 400
    status, refusal = resolve(uuid.uuid4())
    assert (status, refusal["code"]) == (404, "LEDGER_RECONCILIATION_NOT_FOUND")
    assert ReconciliationLine.objects.exclude(resolved_at=None).count() == 1
    assert AuditEvent.objects.filter(action="reconciliation.resolve").count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("", 201, None),
        ("date\n2026-11-20\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ("date,amount_minor,other\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ("date,amount_minor\n2026-11-20,1.5\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ("date,amount_minor\n2026-11-20,0\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ("date,amount_minor\n2026-13-20,1\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ("date,amount_minor\n2026-11-20,1,2\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ("date,amount_minor\n2026-11-20\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        (f"date,amount_minor\n2026-11-20,{2**63}\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ('date,amount_minor\n"2026-11-20,1\n', 400, "LEDGER_BANK_STATEMENT_INVALID"),
        ("date,amount_minor,reference\n2026-11-20,1,\x07\n", 400, "LEDGER_BANK_STATEMENT_INVALID"),
        (b"\xff\xfe\x00", 400, "VALIDATION_CHARSET_UNSUPPORTED"),
        (b"date,amount_minor\n\xe9", 400, "VALIDATION_CHARSET_UNSUPPORTED"),
    ],
)
def test_statement_that_cannot_be_taken_is_refused_whole(ada, grace, bank, body, status, code):
    answer = _upload(grace, bank, body or "date,amount_minor\n")
    assert answer.status_code == status
    if code:
        assert answer.json()["code"] == code
        assert not Reconciliation.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"from": "2026-11-21", "to": "2026-11-20"},
        {"from": "never"},
        {"to": "0001-01-01"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"days_apart": "32"},
        {"days_apart": "-1"},
        {"days_apart": "99999999999999999999"},
        {"account": "mine"},
        {"other": "1"},
    ],
)
def test_question_that_makes_no_sense_is_refused(ada, grace, bank, changes):
    answer = _upload(grace, bank, "date,amount_minor\n", **changes)
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FILTER_UNKNOWN")


def test_too_many_lines_are_refused(ada, grace, bank, monkeypatch):
    monkeypatch.setattr(constants, "RECONCILIATION_LINES_MAX", 2)
    lines = f"{clock.now().date()},1\n" * 3
    answer = _upload(grace, bank, f"date,amount_minor\n{lines}")
    assert (answer.status_code, answer.json()["code"]) == (422, "LEDGER_RECONCILIATION_TOO_LARGE")
    answer = _upload(grace, bank, "date,amount_minor\n")
    assert (answer.status_code, answer.json()["code"]) == (422, "LEDGER_RECONCILIATION_TOO_LARGE")
    assert not Reconciliation.objects.exists()


def test_reconciliations_are_for_staff(ada, grace, bank):
    made = _upload(grace, bank, "date,amount_minor\n").json()
    by_ada = Caller(ada)
    for path in (f"{made['id']}/", f"{made['id']}/lines/"):
        answer = by_ada.get(f"reconciliations/{path}")
        assert (answer.status_code, answer.json()["code"]) == (
            404,
            "LEDGER_RECONCILIATION_NOT_FOUND",
        )
    listed = by_ada.get("reconciliations/")
    assert (listed.status_code, listed.json()["code"]) == (403, "AUTH_FORBIDDEN")
    refused = _upload(ada, bank, "date,amount_minor\n")
    assert (refused.status_code, refused.json()["code"]) == (403, "AUTH_FORBIDDEN")
    assert Reconciliation.objects.count() == 1


def test_other_content_is_no_statement(ada, grace, bank):
    answer = Caller(grace).send("POST", f"reconciliations/?account={bank}", {"csv": "x"})
    assert answer.status_code in (400, 415)


def test_database_lets_no_line_contradict_itself(ada, grace, bank):
    made = _upload(grace, bank, f"date,amount_minor\n{clock.now().date()},-7\n").json()
    lines = ReconciliationLine.objects.filter(reconciliation_id=made["id"])
    with pytest.raises(IntegrityError, match="reconciliation_line_sides"):
        lines.filter(state="unexpected").update(transaction_id=uuid.uuid4())


def test_command_reports_and_fails_on_a_difference(ada, bank, tmp_path, capsys):
    today = clock.now().date().isoformat()
    path = tmp_path / "bank.csv"
    asked = [str(path), f"--account={bank}", f"--from={today}", f"--to={today}"]
    path.write_text(f"date,amount_minor\n{today},1000\n{today},-10\n{today},-20\n")
    call_command("ledger_reconcile", *asked)
    assert "3 matched, 0 unexpected, 0 missing" in capsys.readouterr().out
    path.write_text(f"date,amount_minor\n{today},1000\n{today},-10\n{today},-21\n")
    with pytest.raises(CommandError, match="disagree"):
        call_command("ledger_reconcile", *asked)
    said = capsys.readouterr().out
    assert "unexpected" in said
    assert "missing" in said
    with pytest.raises(CommandError, match="No such file"):
        call_command("ledger_reconcile", str(tmp_path / "none"), *asked[1:])
