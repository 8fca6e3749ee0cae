"""History is sealed out of the way of postings, and whoever alters it is found out."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests import database
from tests.database import url_of
from tests.people import make_person
from transactions import canonical, services, verification
from transactions.models import Seal, Transaction
from transactions.services import seals
from transactions.tests.callers import Caller
from transactions.tests.money import move, open_account, post

OFF = "SET session_replication_role = replica"
VECTOR = {
    "id": uuid.UUID("01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32"),
    "user_id": uuid.UUID("01a1fc76-8f73-70f5-a3bc-9771834789b4"),
    "ledger_id": uuid.UUID("01a1fc61-0203-703c-973a-a31d52667ef1"),
    "epoch": 1,
    "xid": 4711,
    "kind": "posting",
    "reference": "order-42",
    "description": None,
    "effective_at": dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC),
    "recorded_at": dt.datetime(2026, 11, 20, 10, 0, 0, 1, tzinfo=dt.UTC),
    "metadata": {"order": "42", "café": "ü"},
    "actor_id": uuid.UUID("01a1fc76-8f73-70f5-a3bc-9771834789b4"),
    "actor_kind": "user",
    "session_id": None,
    "request_id": "r-1",
    "reverses_id": None,
    "hold_id": None,
}
LEGS = [
    {
        "leg": leg,
        "user_id": VECTOR["user_id"],
        "account_id": account,
        "asset_code": "USD",
        "amount": amount,
        "account_seq": 18 - leg,
        "balance_after": 8_750 + leg,
        "recorded_at": VECTOR["recorded_at"],
        "effective_at": None,
    }
    for leg, account, amount in (
        (0, uuid.UUID("01a1fc80-2b4a-7c1e-9d0a-5a1f0c6d7e10"), -1_250),
        (1, uuid.UUID("01a1fc80-2b4b-7d20-8c77-0e3b9a4f5d21"), 1_250),
    )
]
DIGEST = "1778e426db39173212eda4d1c01fa45e4bffd0b0b590b132c7fc774d17172c3a"
SEAL_HASH = "f475280af5b7acfc5a73fe333207eba2231af8db78e93bf464ce5e13e286808c"


def test_canonical_bytes_are_frozen_and_documented():
    digest = canonical.transaction_digest(VECTOR, LEGS)
    seal = canonical.seal_hash(
        number=1,
        previous_hash=seals.NOTHING_BEFORE,
        members=uuid.UUID(str(VECTOR["id"])).bytes + digest,
    )
    assert (digest.hex(), seal.hex()) == (DIGEST, SEAL_HASH)
    document = (Path(__file__).parents[2] / "docs" / "seals.md").read_text(encoding="utf-8")
    assert DIGEST in document
    assert SEAL_HASH in document


@pytest.mark.parametrize("name", canonical.TRANSACTION_FIELDS)
def test_every_field_counts(name):
    other = {**VECTOR, name: "other" if isinstance(VECTOR[name], str) else None}
    if VECTOR[name] is None:
        other[name] = uuid.UUID(int=1)
    before = canonical.transaction_digest(VECTOR, LEGS)
    assert canonical.transaction_digest(other, LEGS) != before


@pytest.fixture
def sealed(committed_db):
    """Seven sealed transactions; returns the two accounts."""
    ada = make_person("ada@example.org").principal
    a, b = open_account(ada, balance=1_000), open_account(ada)
    for number in range(6):
        post(move(a, b, 10, reference=f"r-{number}", metadata={"n": str(number)}))
    database.await_final()
    assert services.seal_history() == 7
    return a, b


def test_sealed_history_verifies_and_grows(sealed, monkeypatch):
    monkeypatch.setattr(seals, "TRANSACTIONS_IN_SEAL_MAX", 2)
    for _ in range(5):
        post(move(sealed[0], sealed[1], 1))
    database.await_final()
    assert services.seal_history() == 5
    assert services.seal_history() == 0
    assert list(Seal.objects.order_by("number").values_list("number", "transactions")) == [
        *((1, 7), (2, 2), (3, 2), (4, 1))
    ]
    report = verification.verify_seals()
    assert (report.seals, report.transactions, report.faults) == (4, 12, [])


def test_open_transaction_is_waited_for(sealed, committed_db):
    with psycopg.connect(url_of("app", committed_db)) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        post(move(sealed[0], sealed[1], 1))
        assert services.seal_history() == 0
    database.await_final()
    assert services.seal_history() == 1


def test_two_sealers_make_one_chain(sealed, monkeypatch):
    monkeypatch.setattr(seals, "TRANSACTIONS_IN_SEAL_MAX", 1)
    for _ in range(6):
        post(move(sealed[0], sealed[1], 1))
    database.await_final()
    counts: list[int] = []

    def seal() -> None:
        counts.append(services.seal_history())
        connection.close()

    threads = [threading.Thread(target=seal) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 6
    assert verification.verify_seals().faults == []


def _third() -> uuid.UUID:
    return Transaction.objects.get(reference="r-3").pk


@pytest.mark.parametrize(
    ("tamper", "what"),
    [
        ("UPDATE \"transaction\" SET description = 'x' WHERE id = %s", "altered"),
        ("UPDATE \"transaction\" SET xid = '5' WHERE id = %s", "altered"),
        ("UPDATE entry SET amount = amount * 2 WHERE transaction_id = %s", "altered"),
        ("DELETE FROM entry WHERE leg = 1 AND transaction_id = %s", "altered"),
        ('DELETE FROM "transaction" WHERE id = %s', "gone"),
    ],
)
def test_altered_row_is_named(sealed, connect, capsys, tamper, what):
    victim = _third()
    superuser = connect("superuser")
    superuser.execute(OFF)
    superuser.execute(tamper, [victim])
    with pytest.raises(CommandError):
        call_command("ledger_verify", "--seals", "--json")
    found = json.loads(capsys.readouterr().out)["seals"]["faults"]
    assert found == [
        {
            "seal": 1,
            "transaction_id": str(victim),
            "what": f"the transaction {'is gone' if what == 'gone' else 'was altered'}",
        }
    ]


def test_first_altered_row_comes_first(sealed, connect):
    superuser = connect("superuser")
    superuser.execute(OFF)
    superuser.execute("UPDATE \"transaction\" SET request_id = 'x' WHERE reference >= 'r-2'")
    faults = verification.verify_seals().faults
    wanted = Transaction.objects.filter(reference__gte="r-2").order_by("pk")
    assert [fault.transaction_id for fault in faults] == list(wanted.values_list("pk", flat=True))


def test_transaction_put_in_later_is_found(sealed, connect):
    planted = uuid.UUID("01a1fc81-77d0-7aa2-b0b5-6d2f8e9c3b32")
    superuser = connect("superuser")
    superuser.execute(OFF)
    superuser.execute(
        'INSERT INTO "transaction" (id, user_id, ledger_id, actor_id, effective_at, recorded_at, '
        "kind, actor_kind, request_id, xid) SELECT %s, user_id, ledger_id, actor_id, effective_at, "
        "recorded_at, kind, actor_kind, request_id, '5' FROM \"transaction\" LIMIT 1",
        [planted],
    )
    (fault,) = verification.verify_seals().faults
    assert (fault.transaction_id, fault.what) == (planted, "the transaction was put in later")


@pytest.mark.parametrize(
    ("tamper", "what"),
    [
        ("UPDATE seal SET members = overlay(members PLACING '\\x00' FROM 20)", "itself"),
        ("UPDATE seal SET previous_hash = decode(repeat('ab', 32), 'hex')", "broken"),
    ],
)
def test_altered_seal_is_named(sealed, connect, tamper, what):
    superuser = connect("superuser")
    superuser.execute(OFF)
    superuser.execute(tamper)
    faults = verification.verify_seals().faults
    assert faults[0].seal == 1
    assert what in faults[0].what


def test_removed_seal_is_missed(sealed, connect, monkeypatch):
    monkeypatch.setattr(seals, "TRANSACTIONS_IN_SEAL_MAX", 1)
    for _ in range(3):
        post(move(sealed[0], sealed[1], 1))
    database.await_final()
    services.seal_history()
    superuser = connect("superuser")
    superuser.execute(OFF)
    superuser.execute("DELETE FROM seal WHERE number = 2")
    assert verification.verify_seals().faults[0].what == "the seal is gone"


def test_head_and_verify_are_for_staff(sealed):
    grace = Caller(make_person("grace@example.org", role="auditor"))
    bob = Caller(make_person("bob@example.org"))
    for answer in (bob.get("seals/head/"), bob.send("POST", "seals/verify/", {})):
        assert (answer.status_code, answer.json()["code"]) == (403, "AUTH_FORBIDDEN")
    head = grace.get("seals/head/").json()
    assert (head["number"], head["transactions"]) == (1, 7)
    assert head["hash"] == bytes(Seal.objects.get().hash).hex()
    report = grace.send("POST", "seals/verify/", {"from": 1}).json()
    assert (report["clean"], report["seals"], report["transactions"]) == (True, 1, 7)
    refused = grace.send("POST", "seals/verify/", {"from": 0})
    assert refused.status_code == 400


def test_without_seals_there_is_no_head(db, grace):
    answer = Caller(grace).get("seals/head/")
    assert (answer.status_code, answer.json()["code"]) == (404, "LEDGER_SEAL_NOT_FOUND")
