"""Much history at once, written by a superuser past the triggers; the ledger's rules hold in it."""

from __future__ import annotations

import uuid

import psycopg

from core import clock, partitions
from core.principals import SYSTEM
from transactions.tests.money import open_account

# Transaction n moves 1 from the source to the account, the last one a minute ago. One in
# ``late_every`` took effect three days before it was recorded. All is of an earlier epoch: final.
_HISTORY = """
INSERT INTO epoch (number, system_identifier, timeline, began_at)
VALUES (0, 0, 0, '2001-01-01 00:00+00') ON CONFLICT DO NOTHING;
CREATE TEMPORARY TABLE made AS
SELECT n, moment, CASE WHEN n %% %(late_every)s = 0 THEN moment - interval '3 days' END AS late,
       overlay(overlay(gen_random_uuid()::text PLACING '7' FROM 15 FOR 1)
           PLACING substr(ms, 1, 8) || '-' || substr(ms, 9, 4) FROM 1 FOR 13)::uuid AS id
FROM generate_series(1, %(count)s) AS n,
LATERAL (SELECT now() - interval '1 minute'
    - (%(count)s - n) * (interval '60 days' / %(count)s) AS moment) AS m,
LATERAL (SELECT lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') AS ms) AS h;
INSERT INTO "transaction" (id, user_id, ledger_id, actor_id, effective_at, recorded_at, kind,
    actor_kind, request_id, epoch, xid)
SELECT id, %(user)s, b.ledger_id, %(user)s, coalesce(late, moment), moment, 'posting', 'system',
    'volume', 0, (1000 + n)::text::xid8
FROM made, balance b WHERE b.account_id = %(account)s;
INSERT INTO entry (transaction_id, user_id, account_id, amount, account_seq, balance_after,
    recorded_at, effective_at, leg, asset_code)
SELECT id, %(user)s, account, change, n, n * change, moment, late, leg, 'USD'
FROM made, LATERAL (VALUES (%(source)s::uuid, -1, 0), (%(account)s::uuid, 1, 1))
    AS s (account, change, leg);
INSERT INTO outbox_event (id, user_id, topic, object_id, epoch, xid)
SELECT id, %(user)s, 'transaction.posted', id, 0, (1000 + n)::text::xid8 FROM made;
UPDATE balance SET posted = %(count)s, entry_seq = %(count)s WHERE account_id = %(account)s;
UPDATE balance SET posted = -%(count)s, entry_seq = %(count)s WHERE account_id = %(source)s;
DROP TABLE made;
ANALYZE "transaction", entry, outbox_event, balance;
"""


def fill(superuser: psycopg.Connection, *, count: int, late_every: int = 10) -> uuid.UUID:
    """Write ``count`` transactions of the last sixty days on one account; return its id."""
    partitions.ensure_months(first=clock.now().date().replace(day=1))
    for back in (1, 2, 3):
        month = partitions._add_months(clock.now().date(), -back)
        partitions.ensure_months(first=month)
    source, account = open_account(SYSTEM, floor=None), open_account(SYSTEM)
    superuser.execute("SET session_replication_role = replica")
    psycopg.ClientCursor(superuser).execute(
        _HISTORY,
        {
            "count": count,
            "late_every": late_every,
            "user": SYSTEM.user_id,
            "account": account,
            "source": source,
        },
    )
    return account
