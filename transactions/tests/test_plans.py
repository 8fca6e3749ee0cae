"""What is asked often is answered from indexes, the last page like the first, on a million rows."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import clock, commit_order, pagination
from tests.people import make_person
from transactions import services, verification
from transactions.models import Reconciliation, Schedule, Transaction
from transactions.tests.volume import COUNT, Volume

# One process makes the million; no other has to.
pytestmark = [pytest.mark.xdist_group("volume"), pytest.mark.long]

BIG = (
    *("entry_2", "transaction_2", "outbox_event_2", "audit_event_2", "balance_snapshot"),
    *("transaction_reference", "hold", "schedule", "reconciliation"),
)
# A page has 100 rows; what a plan sorts or looks through beyond a few of them grows with history.
ROWS_MAX = 2_000
# 100 rows, each from an index of a few levels in a handful of months.
BLOCKS_MAX = 2_500
QUERIES_MAX = 15
# What names the request in PostgreSQL's own log.
SIGNATURE = re.compile(r"^/\*.*?\*/")
NOBODY = "00000000-0000-0000-0000-000000000000"
EVERYBODY = "ffffffff-ffff-ffff-ffff-ffffffffffff"
BEFORE_ALL = "0001-01-01T00:00:00+00:00"
ADMIN = (
    *("transaction", "entryline", "hold", "schedule", "reconciliation", "reconciliationline"),
    *("ledgeraccount", "snapshotline", "seal", "exchange", "transactionnote"),
)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan["Actual Loops"]:
        yield plan
        for child in plan.get("Plans", ()):
            yield from _nodes(child)


def _explained(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def _blocks(plan: dict[str, Any]) -> int:
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def _faults(plan: dict[str, Any]) -> list[str]:
    faults = []
    if _blocks(plan) > BLOCKS_MAX:
        faults.append(f"{_blocks(plan)} blocks")
    for node in _nodes(plan):
        is_big = node.get("Relation Name", "").startswith(BIG)
        removed = node.get("Rows Removed by Filter", 0) * node["Actual Loops"]
        looked_at = node["Actual Rows"] * node["Actual Loops"] + removed
        if node["Node Type"] == "Seq Scan" and is_big and looked_at > ROWS_MAX:
            faults.append(f"sequential scan of {node['Relation Name']}")
        if is_big and removed > ROWS_MAX:
            faults.append(f"{removed} rows of {node['Relation Name']} for nothing")
        if node["Node Type"] == "Sort":
            rows = sum(child["Actual Rows"] * child["Actual Loops"] for child in node["Plans"])
            if rows > ROWS_MAX:
                faults.append(f"sort of {rows} rows")
    return faults


def _plans(work: Callable[[], object]) -> list[tuple[str, dict[str, Any]]]:
    """Return the plan of every statement that reads while ``work`` runs."""
    with CaptureQueriesContext(connection) as captured:
        work()
    statements = [SIGNATURE.sub("", query["sql"]) for query in captured.captured_queries]
    reading = [
        sql for sql in statements if sql.lstrip(" \n(").upper().startswith(("SELECT", "WITH"))
    ]
    assert reading, "it reads nothing"
    return [(sql, _explained(sql)) for sql in reading]


def _judge(work: Callable[[], object]) -> int:
    """Require good plans of all that ``work`` reads; return how many blocks that takes."""
    plans = _plans(work)
    assert [(_faults(plan), sql) for sql, plan in plans if _faults(plan)] == []
    return sum(_blocks(plan) for _, plan in plans)


def _reading(volume: Volume, path: str) -> Callable[[], Any]:
    def read() -> Any:
        answer = volume.auditor.get(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return read


def _instant(days_ago: int) -> str:
    return clock.as_rfc3339(clock.now() - dt.timedelta(days=days_ago))


def _last_page(scope: str, *lowest: object) -> str:
    """Return the cursor of the page that reads backwards from before everything."""
    packed = base64.urlsafe_b64encode(orjson.dumps([True, lowest])).decode()
    return pagination._signer(scope).sign(packed)


# Each list with the scope of its cursors and the lowest place in it.
LISTS: dict[str, tuple[Any, ...]] = {
    "transactions": ("transactions/", "transactions::None", BEFORE_ALL, NOBODY),
    "of an account": (
        "transactions/?account={account}",
        "transactions:{account}:None",
        BEFORE_ALL,
        NOBODY,
    ),
    "entries": ("ledger-accounts/{account}/entries/", "entries:{account}", BEFORE_ALL, 0),
    "accounts": ("ledger-accounts/", "ledger-accounts", NOBODY),
    "holds": ("holds/", "holds:", NOBODY),
    "pending holds": ("holds/?status=pending", "holds:pending", NOBODY),
    "schedules": ("schedules/", "schedules:", NOBODY),
    "due schedules": ("schedules/?status=scheduled", "schedules:scheduled", NOBODY),
    "reconciliations": ("reconciliations/", "reconciliations", NOBODY),
    "lines": (
        "reconciliations/{reconciliation}/lines/",
        "reconciliation:{reconciliation}:",
        EVERYBODY,
    ),
}


@pytest.mark.parametrize("which", LISTS)
def test_last_page_of_a_list_costs_what_the_first_does(volume, which):
    facts = {"account": volume.busiest, "reconciliation": Reconciliation.objects.latest("id").pk}
    path, scope, *lowest = LISTS[which]
    path = path.format(**facts)
    path += "&limit=100" if "?" in path else "?limit=100"
    first = _reading(volume, path)
    last = _reading(volume, f"{path}&cursor={_last_page(scope.format(**facts), *lowest)}")
    assert len(first()["items"]) == len(last()["items"]) == 100
    assert first()["next"] is not None
    assert _reading(volume, last()["next"].split("/api/v1/", 1)[1])()["items"] == []
    cheap, dear = sorted([_judge(first), _judge(last)])
    assert dear <= 2 * cheap + 200


@pytest.mark.parametrize("by", ["recorded", "effective"])
@pytest.mark.parametrize("days_ago", [1, 60, 119])
@pytest.mark.parametrize("what", ["balance/?at=", "statement/?limit=100&from="])
def test_balance_and_statement_cost_the_same_on_any_day(volume, what, days_ago, by):
    for account in (volume.busiest, volume.own):
        _judge(_reading(volume, f"ledger-accounts/{account}/{what}{_instant(days_ago)}&clock={by}"))


def test_feed_costs_the_same_at_both_ends(volume):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT epoch, xid::text::bigint, id FROM outbox_event "
            "ORDER BY epoch DESC, xid DESC, id DESC LIMIT 1 OFFSET 200"
        )
        near_the_end = commit_order.Position(*cursor.fetchone())
    costs = []
    for after in (commit_order.START, near_the_end):
        found = commit_order.final_after("outbox_event", after, limit=100)
        assert len(found) == 100
        costs.append(
            _judge(lambda: commit_order.final_after("outbox_event", after, limit=100))  # noqa: B023 - runs at once
        )
    assert max(costs) <= 2 * min(costs) + 100
    _judge(_reading(volume, "events/?limit=100"))


def test_transaction_is_found_in_one_month(volume):
    row = Transaction.objects.filter(reference="generated-500000").get()
    for path in (f"transactions/{row.pk}/", f"transactions/?reference={row.reference}"):
        _judge(_reading(volume, path))
    plans = _plans(_reading(volume, f"transactions/{row.pk}/"))
    touched = {node.get("Relation Name", "") for _, plan in plans for node in _nodes(plan)}
    month = f"{row.recorded_at:%Y_%m}"
    assert {name for name in touched if name.startswith("entry_2")} == {f"entry_{month}"}
    # What gives it back came later: no earlier month is looked at.
    assert min(name for name in touched if name.startswith("transaction_2")) == (
        f"transaction_{month}"
    )


def test_due_work_is_found_by_its_index(volume):
    assert Schedule.objects.filter(status="scheduled").count() >= 50_000
    for work in (services.post_due, services.expire_holds):
        plans = _plans(work)
        assert [(_faults(plan), sql) for sql, plan in plans if _faults(plan)] == []
        indexes = {node.get("Index Name") for _, plan in plans for node in _nodes(plan)}
        assert indexes & {"schedule_due", "hold_expiring"}


@pytest.fixture(scope="module")
def by_root(volume: Volume) -> Client:
    client = Client()
    client.force_login(make_person("root@example.org", is_superuser=True).user)
    return client


@pytest.mark.parametrize("model", ADMIN)
def test_admin_lists_are_cheap_on_a_million(volume, by_root, model):
    url = reverse(f"admin:transactions_{model}_changelist")
    with CaptureQueriesContext(connection) as captured:
        assert by_root.get(url).status_code == 200
    assert len(captured) <= QUERIES_MAX
    _judge(lambda: by_root.get(url))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("transaction", "generated-400"),
        ("transaction", "{account}"),
        ("entryline", "shop:0"),
        ("entryline", "{account}"),
        ("hold", "purse"),
        ("ledgeraccount", "purse"),
    ],
)
def test_admin_finds_by_index(volume, by_root, model, words):
    url = reverse(f"admin:transactions_{model}_changelist")
    words = words.format(account=volume.busiest)
    _judge(lambda: by_root.get(url, {"q": words}))


def test_there_are_a_million(volume):
    assert verification.totals()["transactions"] == COUNT


def test_guard_sees_a_scan_a_sort_and_wasted_rows(volume):
    assert _faults(_explained("SELECT * FROM entry WHERE amount = 7"))
    assert _faults(_explained("SELECT * FROM entry ORDER BY balance_after LIMIT 1"))
    assert _faults(_explained("SELECT count(*) FROM entry"))
