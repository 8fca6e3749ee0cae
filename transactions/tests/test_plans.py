"""What is asked often is answered from indexes, the last page like the first, on much history."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock, commit_order
from tests import database
from tests.people import make_person
from transactions import selectors, services, verification
from transactions.models import LedgerAccount
from transactions.tests.callers import Caller
from transactions.tests.volume import fill

COUNT = 40_000
BIG = ("entry_", "transaction_2", "outbox_event_", "balance_snapshot")
# A page has 100 rows, read from a handful of partitions; a scan of everything is far above.
SORTED_MAX = 2_000
BLOCKS_MAX = 4_000


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _faults(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    faults = []
    if plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] > BLOCKS_MAX:
        faults.append(f"{plan['Shared Hit Blocks']} blocks")
    for node in _nodes(plan):
        is_big = node.get("Relation Name", "").startswith(BIG)
        looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        if node["Node Type"] == "Seq Scan" and is_big and looked_at > SORTED_MAX:
            faults.append(f"sequential scan of {node['Relation Name']}")
        if node["Node Type"] == "Sort":
            rows = sum(child["Actual Rows"] * child["Actual Loops"] for child in node["Plans"])
            if rows > SORTED_MAX:
                faults.append(f"sort of {rows} rows")
    return faults


def _pages(caller: Caller, path: str) -> Callable[[], list[str]]:
    """Read the first page, and one from far behind it by the same cursor machinery."""

    def read() -> list[str]:
        answer = caller.get(path)
        assert answer.status_code == 200, answer.content
        following = answer.json().get("next")
        if following:
            assert caller.get(following.split("/api/v1/", 1)[1]).status_code == 200
        return []

    return read


def test_every_list_and_balance_is_read_from_indexes(committed_db, connect):
    account_id = fill(connect("superuser"), count=COUNT)
    database.await_final()
    services.refresh_snapshots()
    connect("superuser").execute("ANALYZE balance_snapshot, snapshot_horizon")
    grace = Caller(make_person("grace@example.org", role="auditor"))
    now = clock.now()
    long_ago, lately = (
        (now - dt.timedelta(days=days)).isoformat().replace("+00:00", "Z") for days in (55, 2)
    )
    account = f"ledger-accounts/{account_id}"
    asked = [
        f"{account}/entries/?limit=100",
        "transactions/?limit=100",
        f"transactions/?account={account_id}&limit=100",
        "events/?limit=100",
        "ledger-accounts/?limit=100",
        *(
            f"{account}/statement/?from={since}&clock={by}&limit=100"
            for since in (long_ago, lately)
            for by in ("recorded", "effective")
        ),
        *(
            f"{account}/balance/?at={at}&clock={by}"
            for at in (long_ago, lately)
            for by in ("recorded", "effective")
        ),
    ]
    found: dict[str, list[str]] = {}
    for path in asked:
        with CaptureQueriesContext(connection) as captured:
            _pages(grace, path)()
        for query in captured.captured_queries:
            if query["sql"].lstrip(" \n(").upper().startswith("SELECT"):
                faults = _faults(query["sql"])
                if faults:
                    found.setdefault(path, []).extend([*faults, query["sql"][:400]])
    assert found == {}


def test_last_page_costs_what_the_first_does(committed_db, connect):
    account_id = fill(connect("superuser"), count=COUNT)
    database.await_final()
    row = LedgerAccount.objects.get(pk=account_id)
    until = clock.now()
    for by in ("recorded", "effective"):
        for seq in (1, COUNT - 200):
            at = until - dt.timedelta(days=60) * (COUNT - seq) / COUNT
            with CaptureQueriesContext(connection) as captured:
                lines = selectors.statement_lines(
                    row, since=at, until=until, by=by, after=(at, seq), limit=100
                )
            assert len(lines) == 100
            assert _faults(captured.captured_queries[0]["sql"]) == []
    for xid in (0, COUNT - 200):
        after = commit_order.Position(0, 1_000 + xid, commit_order.START.id)
        with CaptureQueriesContext(connection) as captured:
            assert len(commit_order.final_after("outbox_event", after, limit=100)) == 100
        assert _faults(captured.captured_queries[-1]["sql"]) == []


def test_generated_history_keeps_the_rules(committed_db, connect):
    fill(connect("superuser"), count=2_000)
    services.refresh_snapshots()
    assert [finding.check.name for finding in verification.verify() if finding.faults] == []


def test_guard_sees_a_scan_and_a_sort(committed_db, connect):
    fill(connect("superuser"), count=COUNT)
    assert _faults("SELECT * FROM entry WHERE amount = 7")
    assert _faults("SELECT * FROM entry ORDER BY balance_after LIMIT 1")
    with pytest.raises(AssertionError):
        assert _faults("SELECT count(*) FROM entry") == []
