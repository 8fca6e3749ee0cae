"""A database with a million transactions, made once for all tests that look at plans."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from core.principals import SYSTEM
from tests import database
from tests.people import make_person
from tests.serving import ROOT
from transactions.models import Balance
from transactions.tests.callers import Caller

COUNT = 1_000_000
DAYS = 120
PEOPLE = 1_000
# What else there is much of after a year, without meaning: only its size matters here.
_BESIDE = """
SET session_replication_role = replica;
INSERT INTO schedule (id, user_id, ledger_id, draft, run_at, status, may_take_from_any, actor_kind,
    request_id, failure_code, created_at, closed_at)
SELECT uuidv7(interval '1 second' * (n - 200000)), %(person)s, %(ledger)s, '{"postings": []}',
    now() + interval '1 hour' * CASE WHEN n %% 4 = 0 THEN n ELSE -n END,
    CASE WHEN n %% 4 = 0 THEN 'scheduled' ELSE 'cancelled' END, false, 'system', 'volume', '',
    now(), CASE WHEN n %% 4 = 0 THEN NULL ELSE now() END
FROM generate_series(1, 200000) AS n;
INSERT INTO hold (id, user_id, ledger_id, source_id, destination_id, destination_user_id,
    asset_code, amount, captured, status, expires_at, created_at, closed_at, actor_id, actor_kind,
    request_id)
SELECT uuidv7(interval '1 second' * (n - 200000)), %(person)s, %(ledger)s, %(account)s,
    %(busiest)s, %(system)s, 'USD', 1, 0, 'released', now(), now(), now(), %(system)s, 'system',
    'volume'
FROM generate_series(1, 200000) AS n;
INSERT INTO reconciliation (id, user_id, account_id, first_day, last_day, days_apart_max,
    file_sha256, matched, unexpected, missing, actor_id, created_at)
SELECT uuidv7(interval '1 minute' * (n - 20000)), %(system)s, %(busiest)s, now(), now(), 3, '', 1,
    0, 0, %(system)s, now()
FROM generate_series(1, 20000) AS n;
INSERT INTO reconciliation_line (id, user_id, reconciliation_id, state, rule, day, amount,
    reference, description, reason, transaction_id, account_seq)
SELECT uuidv7(interval '1 second' * (n - 200000)), %(system)s, r.id,
    CASE WHEN n %% 100 = 0 THEN 'unexpected' ELSE 'matched' END, '', now(), 1, '', '', '',
    CASE WHEN n %% 100 = 0 THEN NULL ELSE r.id END, 1
FROM generate_series(1, 200000) AS n,
    LATERAL (SELECT id FROM reconciliation ORDER BY id DESC LIMIT 1) AS r;
INSERT INTO audit_event (id, user_id, actor_id, actor_kind, action, target_type, target_id,
    outcome, request_id, data)
SELECT uuidv7(interval '1 second' * (n - 200000)), %(person)s, %(system)s, 'system',
    'transaction.post', 'transaction', n::text, 'done', 'volume', '{}'
FROM generate_series(1, 200000) AS n;
RESET session_replication_role;
ANALYZE;
"""


@dataclasses.dataclass(frozen=True)
class Volume:
    """The database: its busiest account, somebody's own, and an auditor who may see all."""

    name: str
    busiest: uuid.UUID
    own: uuid.UUID
    auditor: Caller


def _generate(name: str) -> None:
    """Make the history in a process of its own, whose lines nobody counts."""
    subprocess.run(
        [
            *(sys.executable, "manage.py", "demo_generate", f"--users={PEOPLE}"),
            *(f"--transactions={COUNT}", f"--days={DAYS}"),
        ],
        env=database.environment_of(name),
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def volume(django_db_setup, django_db_blocker, worker_database: str) -> Iterator[Volume]:
    """Point Django at a million generated transactions; the tests that follow only read."""
    name = f"volume_{worker_database}"
    database.clone(name)
    with django_db_blocker.unblock(), database.pointed_at(name):
        _generate(name)
        busiest = Balance.objects.order_by("-entry_seq")[0]
        own = Balance.objects.filter(account__code="purse").order_by("-entry_seq")[0]
        with psycopg.connect(database.url_of("superuser", name), autocommit=True) as superuser:
            psycopg.ClientCursor(superuser).execute(
                _BESIDE,
                {
                    "person": own.user_id,
                    "account": own.pk,
                    "busiest": busiest.pk,
                    "ledger": own.ledger_id,
                    "system": SYSTEM.user_id,
                },
            )
        database.await_final()
        auditor = Caller(make_person("auditor@example.org", role="auditor"))
        yield Volume(name, busiest.pk, own.pk, auditor)
    database.drop(name)
