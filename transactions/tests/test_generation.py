"""Made-up history: the same from the same seed, and as good as posted."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum

from accounts.models import User
from core.principals import SYSTEM
from tests import database
from transactions import services
from transactions.models import Balance, Hold, Ledger, LedgerAccount, Transaction
from transactions.tests.money import footprint, is_clean, move, open_account, post

DAY = "2026-03-01"
# Everything that is made up, without what only the moment of writing decides.
ROWS = """
    SELECT md5(string_agg(line, '|' ORDER BY line)) FROM (
        SELECT format('%s %s %s %s %s %s', id, user_id, kind, effective_at, recorded_at,
            reference) AS line FROM "transaction"
        UNION ALL SELECT (e.*)::text FROM entry e
        UNION ALL SELECT format('%s %s %s', id, topic, object_id) FROM outbox_event
            WHERE topic ~ '^(transaction|hold)'
        UNION ALL SELECT format('%s %s %s %s', id, amount, status, expires_at) FROM hold
        UNION ALL SELECT format('%s %s %s', day, recorded, effective) FROM balance_snapshot
        UNION ALL SELECT format('%s %s', id, email) FROM users WHERE email LIKE '%generated%'
    ) AS made
"""


def _generate(**options) -> None:
    call_command(
        "demo_generate",
        **{"users": 20, "transactions": 2_000, "days": 60, "until": dt.date.fromisoformat(DAY)}
        | options,
    )


def _rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        return cursor.fetchone()[0]


def test_every_rule_holds_and_the_ledger_can_be_used_on(committed_db):
    _generate()
    assert Transaction.objects.count() == 2_000
    assert LedgerAccount.objects.filter(code="purse").count() == 20
    assert is_clean()
    assert {hold.status for hold in Hold.objects.all()} == {"pending", "expired"}
    assert Balance.objects.aggregate(held=Sum("held_out"))["held"] > 0
    assert not User.objects.get(email="generated-0000001@generated.example").has_usable_password()
    richest, next_richest = Balance.objects.filter(account__code="purse").order_by("-posted")[:2]
    services.post_transaction(
        draft=move(richest.pk, next_richest.pk, 1),
        ledger_id=Ledger.objects.get(code="generated").pk,
        actor=SYSTEM,
    )
    assert is_clean()


def test_seed_decides_every_row(committed_db):
    made = []
    for seed in (1, 1, 2):
        _generate(seed=seed, transactions=300)
        made.append(_rows())
        database.close_all()
        database.clone(committed_db)
    assert made[0] == made[1] != made[2]


def test_history_ends_before_the_day_asked_for(committed_db):
    _generate()
    first, last = (Transaction.objects.order_by(order)[0] for order in ("id", "-id"))
    end = dt.datetime.fromisoformat(f"{DAY}T00:00:00Z")
    assert first.recorded_at == end - dt.timedelta(days=60)
    assert end - dt.timedelta(hours=1) < last.recorded_at < end


def test_nothing_is_put_beside_other_money_unless_forced(committed_db):
    post(move(open_account(SYSTEM, floor=None), open_account(SYSTEM), 5))
    before = footprint()
    with pytest.raises(CommandError, match="--force"):
        _generate()
    assert footprint() == before
    _generate(force=True)
    assert Transaction.objects.count() == 2_001
    assert is_clean()


def test_production_gets_no_made_up_money_unless_forced(db, settings):
    settings.ENV = dataclasses.replace(settings.ENV, environment="production")
    with pytest.raises(CommandError, match="production"):
        _generate()
    assert not Transaction.objects.exists()


def test_a_ledger_is_made_once(committed_db):
    _generate(transactions=10)
    before = footprint()
    with pytest.raises(CommandError, match="taken"):
        _generate(transactions=10, force=True)
    assert footprint() == before


@pytest.mark.parametrize(
    "wrong", [{"users": 0}, {"transactions": 0}, {"days": 0}, {"days": 99_999}]
)
def test_what_cannot_be_is_refused(db, wrong):
    with pytest.raises(CommandError):
        _generate(**wrong)
    assert not Transaction.objects.exists()
