"""An independent look at what a run of chaos left: the journal of its clients, and the database.

It shares nothing with the service: PostgreSQL's driver, SQL, and the lines that clients wrote
before they sent and after they were answered (see ``journal.py``). Two ways to run it::

    python tests/chaos/checker.py check DATABASE_URL JOURNAL
    python tests/chaos/checker.py prove SUPERUSER_URL JOURNAL

``check`` counts four faults and exits 1 when there are any. LOST: acknowledged, and not stored as
acknowledged. DUP: stored twice for one request, or one key answered with two things. UNKNOWN: never
settled, refused and yet stored, or stored though nobody asked. IMBALANCE: balances that are not the
sum of their entries, of the journal, or of zero. ``prove`` plants five corruptions, each in a
transaction that is rolled back, and exits 1 unless ``check`` would have counted every one.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

FAULTS = ("LOST", "DUP", "UNKNOWN", "IMBALANCE")
MOVING = ("posting", "capture", "reversal")
# Everything that a request can leave behind, in one shape: its mark, its id, what kind of thing it
# is, which other thing it is about, and what it moves or reserves.
STORED = """
SELECT t.description AS mark, t.id::text, t.kind, coalesce(t.hold_id, t.reverses_id)::text AS about,
       (SELECT json_agg(json_build_array(e.account_id, e.amount) ORDER BY e.leg)
        FROM entry e WHERE e.transaction_id = t.id) AS entries
FROM "transaction" t
UNION ALL
SELECT h.description, h.id::text, 'hold', NULL,
       json_build_array(json_build_array(h.source_id, -h.amount),
                        json_build_array(h.destination_id, h.amount))
FROM hold h
UNION ALL
SELECT a.data->>'reason', a.target_id, 'release', a.target_id, '[]'
FROM audit_event a WHERE a.action = 'hold.release'
"""
BALANCES = "SELECT account_id::text, posted, held_out, held_in FROM balance"
HOLDS = "SELECT id::text, captured, status FROM hold"
CODES = "SELECT code, id::text FROM ledger_account"
# Each row is a place where the database contradicts itself.
SELF_CHECKS = {
    "IMBALANCE": """
SELECT 'transaction ' || transaction_id || ' is off by ' || sum(amount) FROM entry
GROUP BY transaction_id, asset_code HAVING sum(amount) <> 0
UNION ALL
SELECT 'all of ' || asset_code || ' is off by ' || sum(posted) FROM balance
GROUP BY ledger_id, asset_code HAVING sum(posted) <> 0
UNION ALL
SELECT 'account ' || b.account_id || ' is not the sum of its entries'
FROM balance b LEFT JOIN (
    SELECT account_id, sum(amount) AS total, count(*) AS entries, max(account_seq) AS last
    FROM entry GROUP BY 1
) e USING (account_id)
WHERE (b.posted, b.entry_seq, b.entry_seq)
      IS DISTINCT FROM (coalesce(e.total, 0), coalesce(e.entries, 0), coalesce(e.last, 0))
UNION ALL
SELECT 'account ' || account_id || ' does not add up at entry ' || account_seq
FROM (
    SELECT account_id, account_seq, amount, balance_after,
           lag(balance_after, 1, 0::bigint) OVER (PARTITION BY account_id ORDER BY account_seq)
               AS balance_before
    FROM entry
) AS chain
WHERE balance_before + amount <> balance_after
UNION ALL
SELECT 'account ' || account_id || ' is beyond its limits' FROM balance
WHERE posted - held_out < floor OR posted + held_in > ceiling OR held_out < 0 OR held_in < 0
""",
    "LOST": """
SELECT 'transaction ' || t.id || ' was never announced' FROM "transaction" t
WHERE NOT EXISTS (
    SELECT FROM outbox_event o WHERE o.id = t.id AND o.topic = 'transaction.posted'
)
UNION ALL
SELECT 'a kept answer names ' || k.object_id || ', which is not there' FROM idempotency_key k
WHERE k.object_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM "transaction" t WHERE t.id = k.object_id)
""",
}
# Rows that match the journal's view of one transaction, to be spoiled in `prove`.
_ONE = "(SELECT id FROM \"transaction\" WHERE kind = 'posting' ORDER BY id DESC LIMIT 1)"
_AGAIN = f"""
INSERT INTO "transaction" SELECT (jsonb_populate_record(
    t, jsonb_build_object('id', overlay(t.id::text PLACING 'ffffffff' FROM 29), 'description', {{}})
)).* FROM "transaction" t WHERE id = {_ONE};
"""
_FOLLOW = """
UPDATE balance b SET posted = e.total, entry_seq = e.entries FROM (
    SELECT account_id, sum(amount) AS total, count(*) AS entries FROM entry GROUP BY 1
) e WHERE e.account_id = b.account_id;
"""
CORRUPTIONS = (
    (
        "LOST",
        "an acknowledged transaction is gone and every balance with it",
        f"DELETE FROM entry WHERE transaction_id = {_ONE};"
        f'DELETE FROM "transaction" WHERE id = {_ONE};{_FOLLOW}',
    ),
    (
        "LOST",
        "an acknowledged transaction moves one cent more on both sides",
        f"UPDATE entry SET amount = amount + sign(amount) WHERE transaction_id = {_ONE};{_FOLLOW}",
    ),
    ("DUP", "a request is carried out a second time", _AGAIN.format("t.description")),
    ("UNKNOWN", "something is there that nobody asked for", _AGAIN.format("'nobody asked'")),
    (
        "IMBALANCE",
        "a balance is one cent higher",
        "UPDATE balance SET posted = posted + 1 "
        "WHERE account_id = (SELECT account_id FROM balance WHERE floor = 0 LIMIT 1)",
    ),
)


@dataclasses.dataclass
class Request:
    """What the journal says about one key: ``wants`` are its effects, ``ends`` its answers.

    An end is a list with the id of each effect, or ``None`` in the place of one that was refused.
    """

    mark: str
    wants: list[dict[str, Any]]
    ends: list[list[str | None]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Report:
    """Faults by name, each in words, and how much was acknowledged."""

    faults: dict[str, list[str]] = dataclasses.field(
        default_factory=lambda: {name: [] for name in FAULTS}
    )
    operations: int = 0

    def line(self) -> str:
        """Return the counts as one line."""
        counts = " ".join(f"{name}={len(found)}" for name, found in self.faults.items())
        return f"{counts} ops={self.operations}"


def read_journal(folder: Path) -> dict[str, Request]:
    """Return every request that any client wrote down, by its mark."""
    requests: dict[str, Request] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            said = json.loads(line)
            if said["event"] == "sent":
                requests.setdefault(said["mark"], Request(said["mark"], said["wants"]))
            elif said["event"] == "settled":
                requests[said["mark"]].ends.append(said["made"])
    return requests


def check(connection: psycopg.Connection[Any], journal: dict[str, Request]) -> Report:
    """Compare the journal with the database, and the database with itself."""
    report = Report()
    accounts = dict(connection.execute(CODES).fetchall())
    stored = collections.defaultdict(list)
    for mark, *facts in connection.execute(STORED):
        stored[mark].append(facts)
    done: list[dict[str, Any]] = []
    for request in journal.values():
        done += _compare(request, stored, accounts, report)
    report.operations = len(done)
    report.faults["UNKNOWN"] += [f"{mark}: nobody asked for it" for mark in stored]
    _compare_balances(connection, done, report)
    for name, query in SELF_CHECKS.items():
        report.faults[name] += [row[0] for row in connection.execute(query)]
    return report


def _compare(
    request: Request, stored: dict[str, list[Any]], accounts: dict[str, str], report: Report
) -> Iterator[dict[str, Any]]:
    """Yield the acknowledged effects of one request; take what it left out of ``stored``."""
    if not request.ends:
        report.faults["UNKNOWN"].append(f"{request.mark}: never settled")
    if any(end != request.ends[0] for end in request.ends):
        report.faults["DUP"].append(f"{request.mark}: answered in two ways")
    for number, want in enumerate(request.wants):
        mark = f"{request.mark}/{number}"
        found = stored.pop(mark, [])
        if len(found) > 1:
            report.faults["DUP"].append(f"{mark}: there are {len(found)}")
        if not request.ends:
            continue
        made = request.ends[0][number]
        if made is None:
            report.faults["UNKNOWN"] += [f"{mark}: refused, and yet there"] * len(found)
            continue
        entries = [[accounts.get(account, account), amount] for account, amount in want["entries"]]
        if [made, want["kind"], want["about"], entries] not in found:
            report.faults["LOST"].append(f"{mark}: acknowledged as {made}, there is {found}")
        yield {**want, "id": made, "entries": entries}


def _compare_balances(
    connection: psycopg.Connection[Any], done: list[dict[str, Any]], report: Report
) -> None:
    """Rebuild every balance and hold from what was acknowledged alone."""
    expected = _holds(done)
    found = {hold: (amount, state) for hold, amount, state in connection.execute(HOLDS)}
    posted: collections.Counter[str] = collections.Counter()
    reserved: collections.Counter[tuple[str, int]] = collections.Counter()
    for effect in done:
        if effect["kind"] in MOVING:
            for account, amount in effect["entries"]:
                posted[account] += amount
        elif effect["kind"] == "hold" and expected[effect["id"]][1] == "pending":
            for side, (account, amount) in enumerate(effect["entries"]):
                reserved[account, side] += abs(amount) - expected[effect["id"]][0]
    report.faults["IMBALANCE"] += [
        f"hold {hold}: {found.get(hold)} is not {state}"
        for hold, state in expected.items()
        if found.get(hold) != state
    ]
    for account, *amounts in connection.execute(BALANCES):
        wanted = [posted[account], reserved[account, 0], reserved[account, 1]]
        if amounts != wanted:
            report.faults["IMBALANCE"].append(f"account {account}: {amounts} is not {wanted}")


def _holds(done: list[dict[str, Any]]) -> dict[str, tuple[int, str]]:
    """Return how much of each acknowledged hold was captured, and how it must stand."""
    captured: collections.Counter[str] = collections.Counter()
    ended: dict[str, str] = {}
    for effect in done:
        if effect["kind"] == "release":
            ended[effect["about"]] = "released"
        elif effect["kind"] == "capture":
            captured[effect["about"]] += effect["entries"][1][1]
            if effect["final"]:
                ended[effect["about"]] = "captured"
    expected = {}
    for hold in (effect for effect in done if effect["kind"] == "hold"):
        is_used_up = captured[hold["id"]] == hold["entries"][1][1]
        state = ended.get(hold["id"]) or ("captured" if is_used_up else "pending")
        expected[hold["id"]] = (captured[hold["id"]], state)
    return expected


def prove(connection: psycopg.Connection[Any], journal: dict[str, Request]) -> list[str]:
    """Return the corruptions that would have gone unseen."""
    before = check(connection, journal)
    assert not any(before.faults.values()), before.faults
    unseen = []
    for name, what, statements in CORRUPTIONS:
        with connection.transaction(force_rollback=True):
            # What a superuser can do: no trigger sees it.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(statements)
            if not check(connection, journal).faults[name]:
                unseen.append(what)
    after = check(connection, journal)
    assert not any(after.faults.values()), after.faults
    return unseen


def main(what: str, database: str, folder: str) -> int:
    journal = read_journal(Path(folder))
    with psycopg.connect(database) as connection:
        if what == "prove":
            unseen = prove(connection, journal)
            print(f"PROVED={len(CORRUPTIONS) - len(unseen)}/{len(CORRUPTIONS)}", *unseen, sep="\n")
            return bool(unseen)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        report = check(connection, journal)
    print(report.line())
    for name, found in report.faults.items():
        for fault in found[:10]:
            print(name, fault, file=sys.stderr)
    return any(report.faults.values())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
