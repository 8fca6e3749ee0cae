"""The hourly look at the ledger: what it finds is kept, shown, and stops what changes money."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core import modes, runtime_settings
from core.models import AuditEvent
from core.operations import measurements
from core.principals import HOUSE_USER_ID, SYSTEM
from tests.people import Person
from transactions import verification
from transactions.services import checking
from transactions.tests.money import move, open_account, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def break_balance(ada: Person):
    """Give what breaks the balance of one more account at each call."""
    source = open_account(ada.principal, balance=10)

    def broken() -> None:
        destination = open_account(ada.principal)
        post(move(source, destination, 1))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE balance SET posted = posted + 1 WHERE account_id = %s", [destination]
            )

    return broken


def _mode() -> str:
    runtime_settings.forget()
    return modes.MODE.value


def test_faults_are_counted_and_named(break_balance):
    assert checking.note_faults() == 0
    assert measurements.latest()[measurements.LEDGER_FAULTS].value == 0
    assert _mode() == modes.NORMAL
    break_balance()
    faults = checking.note_faults()
    assert faults > 0
    kept = measurements.latest()[measurements.LEDGER_FAULTS]
    assert (kept.value, bool(kept.detail)) == (faults, True)


def test_fault_stops_writes_until_somebody_lets_them_go_on(break_balance):
    break_balance()
    checking.note_faults()
    assert _mode() == modes.READ_ONLY
    assert modes.MESSAGE.value == checking.TOLD
    assert not modes.money_may_move()
    event = AuditEvent.objects.get(action="setting.change", target_id="service_mode")
    assert (event.actor_id, event.data["after"]) == (HOUSE_USER_ID, modes.READ_ONLY)
    assert "faults" in event.data["reason"]
    call_command("mode_set", "normal", "--reason", "Known: a correction follows.")
    checking.note_faults()
    assert _mode() == modes.NORMAL
    break_balance()
    checking.note_faults()
    assert _mode() == modes.READ_ONLY


def test_maintenance_stays_and_who_said_no_is_not_stopped(break_balance):
    modes.change_mode(mode=modes.MAINTENANCE, message="At noon.", reason="x", actor=SYSTEM)
    break_balance()
    checking.note_faults()
    assert (_mode(), modes.MESSAGE.value) == (modes.MAINTENANCE, "At noon.")
    modes.change_mode(mode=modes.NORMAL, reason="x", actor=SYSTEM)
    call_command("setting_set", "ledger_fault_stops_writes", "no", "--reason", "x")
    break_balance()
    checking.note_faults()
    assert _mode() == modes.NORMAL


def test_what_is_seen_once_alone_stops_nothing(break_balance, monkeypatch):
    break_balance()
    verify = verification.verify
    seen = [verify(), []]
    monkeypatch.setattr(verification, "verify", lambda: seen.pop(0))
    assert checking.note_faults() == 0
    assert (seen, _mode()) == ([], modes.NORMAL)


def test_looking_by_hand_stops_nothing(break_balance):
    break_balance()
    with pytest.raises(CommandError, match="does not hold"):
        call_command("ledger_verify")
    assert _mode() == modes.NORMAL
    assert measurements.LEDGER_FAULTS not in measurements.latest()
