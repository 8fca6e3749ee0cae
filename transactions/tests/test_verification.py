"""The verifier finds what somebody with all rights and no scruples planted."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from tests.people import make_person
from transactions import services
from transactions.tests.money import capture, hold_on, move, open_account, post, reverse

OFF = "SET session_replication_role = replica"
PLANTED = {
    "zero_sum": "UPDATE entry SET amount = amount + 1 WHERE leg = 1",
    "balance_is_sum": "UPDATE balance SET posted = posted + 1 WHERE posted > 0",
    "gapless": "UPDATE entry SET account_seq = account_seq + 5 WHERE leg = 0",
    "running_chain": "UPDATE entry SET balance_after = balance_after + 1 WHERE leg = 0",
    "limits": "ALTER TABLE balance DROP CONSTRAINT balance_floor; "
    "UPDATE balance SET floor = posted + 1 WHERE posted > 0",
    "holds": "UPDATE balance SET held_in = held_in + 1 WHERE held_in > 0",
    "captures": "UPDATE hold SET captured = captured + 1",
    "reversals": "UPDATE reversed_posting SET reversed = reversed + 1",
    "books_balance": "UPDATE balance SET posted = posted + 7 WHERE posted > 0",
    "complete": 'DELETE FROM "transaction"',
    "references": "DELETE FROM transaction_reference",
    "events": "DELETE FROM outbox_event WHERE topic = 'transaction.posted'",
    "snapshots": "UPDATE balance_snapshot SET recorded = recorded + 1 WHERE recorded > 0",
    "answers": "INSERT INTO idempotency_key (user_id, key_hash, fingerprint, status, object_id) "
    "VALUES (gen_random_uuid(), gen_random_uuid(), '\\x00', 201, gen_random_uuid())",
}


@pytest.fixture
def ledger(committed_db):
    """A few committed transactions."""
    ada = make_person("ada@example.org").principal
    a, b = open_account(ada, balance=1_000), open_account(ada)
    for number in range(3):
        post(move(a, b, 10 + number, reference=f"r-{number}"))
    capture(hold_on(a, b, 10), 4, is_final=False)
    reverse(post(move(a, b, 10)).id, 4)
    services.refresh_snapshots()


def test_clean_ledger_is_clean(ledger, capsys):
    call_command("ledger_verify", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["clean"]
    assert report["transactions"] == 7
    assert sorted(report["checks"]) == sorted(PLANTED)


@pytest.mark.parametrize("check", sorted(PLANTED))
def test_planted_corruption_is_found_and_named(ledger, connect, check, capsys):
    superuser = connect("superuser")
    superuser.execute(OFF)
    superuser.execute(PLANTED[check])
    with pytest.raises(CommandError):
        call_command("ledger_verify", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["checks"][check]["faults"] > 0
    assert report["checks"][check]["examples"]
