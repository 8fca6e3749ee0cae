"""The hourly look at the ledger: what it finds is kept for alerts and the operations page."""

from __future__ import annotations

import pytest
from django.db import connection

from core.operations import measurements
from tests.people import Person
from transactions.services import checking
from transactions.tests.money import move, open_account, post

pytestmark = pytest.mark.django_db


def test_faults_are_counted_and_named(ada: Person):
    source, destination = open_account(ada.principal, balance=10), open_account(ada.principal)
    post(move(source, destination, 1))
    assert checking.note_faults() == 0
    assert measurements.latest()[measurements.LEDGER_FAULTS].value == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE balance SET posted = posted + 1 WHERE account_id = %s", [destination]
        )
    faults = checking.note_faults()
    assert faults > 0
    kept = measurements.latest()[measurements.LEDGER_FAULTS]
    assert (kept.value, bool(kept.detail)) == (faults, True)
