"""Notes that stay, metadata that finds, amounts that ask who is there, scopes on every view."""

from __future__ import annotations

import dataclasses

import pytest
from django.db import connection
from django.test import Client

from accounts.services import create_service_key
from core import clock
from core import errors as core_errors
from core.principals import Principal
from tests.people import Person
from transactions import constants, selectors, services
from transactions.api.urls import urlpatterns
from transactions.models import TransactionNote
from transactions.services import Item
from transactions.tests.callers import API
from transactions.tests.money import capture, footprint, hold_on, move, open_account, post

pytestmark = pytest.mark.django_db


def test_notes_stay_and_are_seen_by_their_author_and_staff(by_ada, by_bob, by_grace, ada, bob):
    sold = post(move(open_account(ada.principal, balance=5), open_account(bob.principal), 1))
    path = f"transactions/{sold.id}/notes/"
    written = by_ada.send("POST", path, {"text": "The customer has called."})
    assert (written.status_code, written.json()["author"]) == (201, str(ada.user.pk))
    by_bob.send("POST", path, {"text": "Goods are sent."})
    assert [note["text"] for note in by_ada.walk(path)] == ["The customer has called."]
    assert len(by_grace.walk(path)) == 2
    assert by_ada.send("POST", path, {"text": ""}).status_code == 400
    note = TransactionNote.objects.filter(user_id=ada.user.pk).get()
    with pytest.raises(Exception, match=r"permission denied|append-only"):
        TransactionNote.objects.filter(pk=note.pk).update(text="x")


def test_stranger_neither_reads_nor_writes_notes(by_bob, ada: Person):
    done = post(move(open_account(ada.principal, balance=5), open_account(ada.principal), 1))
    path = f"transactions/{done.id}/notes/"
    assert by_bob.get(path).status_code == 404
    assert by_bob.send("POST", path, {"text": "x"}).status_code == 404
    assert not TransactionNote.objects.exists()


def test_allowed_metadata_key_finds_what_one_may_see(by_ada, by_bob, by_grace, ada: Person):
    a, b = open_account(ada.principal, balance=9), open_account(ada.principal)
    made = [str(post(move(a, b, 1, metadata={"order": "42"})).id) for _ in range(4)]
    post(move(a, b, 1, metadata={"order": "43", "colour": "red"}))
    for caller in (by_ada, by_grace):
        found = caller.walk("transactions/?metadata.order=42")
        assert [row["id"] for row in found] == made[::-1]
    assert by_bob.get("transactions/?metadata.order=42").json()["items"] == []
    refused = by_ada.get("transactions/?metadata.colour=red")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "?metadata.colour"


def test_metadata_filter_uses_its_index(ada: Person):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM \"transaction\" WHERE metadata->>'order' = '42' "
            "ORDER BY id DESC LIMIT 21"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index" in plan
    assert "Seq Scan" not in plan


LARGE = 1_000_001


@pytest.mark.parametrize("way", ["transaction", "capture", "bulk", "each", "schedule"])
def test_large_amount_asks_for_a_fresh_login(ada: Person, bob: Person, way: str):
    purse = open_account(ada.principal, balance=3 * LARGE)
    shop = open_account(bob.principal)
    hold = hold_on(purse, shop, LARGE)
    ledger_id = selectors.get_ledger("main").pk
    halves = [move(purse, shop, LARGE // 2), move(purse, shop, LARGE // 2 + 1)]
    ways = {
        "transaction": lambda actor: post(move(purse, shop, LARGE), actor),
        "capture": lambda actor: capture(hold, actor=actor),
        "bulk": lambda actor: services.post_all_or_none(
            drafts=halves, ledger_id=ledger_id, actor=actor
        ),
        "each": lambda actor: services.post_each(
            items=[Item(half) for half in halves], ledger_id=ledger_id, actor=actor
        ),
        "schedule": lambda actor: services.schedule_transaction(
            draft=move(purse, shop, LARGE),
            ledger_id=ledger_id,
            run_at=clock.now() + constants.SCHEDULE_AHEAD_MAX / 2,
            actor=actor,
        ),
    }
    before = footprint()
    with pytest.raises(core_errors.StepUpRequired):
        ways[way](ada.principal)
    key = Principal(kind="key", user_id=ada.user.pk, scopes=frozenset({"transactions:write"}))
    with pytest.raises(core_errors.ScopeMissing):
        ways[way](key)
    assert footprint() == before
    post(move(purse, shop, LARGE - 1), ada.principal)
    ways[way](dataclasses.replace(key, scopes=frozenset({constants.TRANSACTIONS_LARGE})))


def test_every_money_view_names_a_declared_scope_for_each_method():
    known = {scope.name for scope in constants.SCOPES}
    for pattern in urlpatterns:
        view = vars(pattern.callback)["view_class"]
        methods = {
            name.upper()
            for name in ("get", "post", "patch", "put", "delete")
            if hasattr(view, name)
        }
        scopes = getattr(view, "scopes", {})
        assert set(scopes.values()) <= known, view.__name__
        assert methods <= set(scopes), view.__name__


BANK_CSV = b"date,amount_minor\n2026-11-20,5\n"


@pytest.mark.parametrize(
    ("scope", "reads", "uploads"),
    [
        ("reports:read", {"trial-balance/": 200, "seals/head/": 404}, 403),
        ("reconciliations:read", {"reconciliations/": 200, "trial-balance/": 403}, 403),
        ("reconciliations:write", {"reconciliations/": 403, "trial-balance/": 403}, 201),
        # What once stood at the trial balance reached it for nobody.
        ("ledger:read", {"trial-balance/": 403, "seals/head/": 403, "reconciliations/": 403}, 403),
    ],
)
def test_key_for_reports_or_reconciliations_opens_just_that(
    ada: Person, grace: Person, fresh, scope: str, reads: dict[str, int], uploads: int
):
    account = open_account(ada.principal, balance=5)
    _, text = create_service_key(name="books", scope_names=[scope], actor=fresh(grace))
    headers = {"Authorization": f"Bearer {text}", "Idempotency-Key": "k"}
    answers = {path: Client().get(f"{API}/{path}", headers=headers).status_code for path in reads}
    assert answers == reads
    path = f"{API}/reconciliations/?account={account}&from=2026-11-01&to=2026-11-30"
    sent = Client().post(path, BANK_CSV, content_type="text/csv", headers=headers)
    assert sent.status_code == uploads, sent.content
