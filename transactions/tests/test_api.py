"""The money endpoints: who may, what is answered, and how lists are read."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.test import Client

from core import clock
from core.models import AuditEvent
from core.principals import SYSTEM
from tests.people import Person
from transactions import services
from transactions.models import LedgerAccount, Transaction
from transactions.tests.money import footprint, move, open_account, post

pytestmark = pytest.mark.django_db
API = "/api/v1"


def _posting(source, destination, amount=1, asset="USD"):
    return {
        "postings": [
            {
                "source": str(source),
                "destination": str(destination),
                "amount": amount,
                "asset": asset,
            }
        ]
    }


def test_person_opens_an_account_and_sees_only_their_own(by_ada, by_bob):
    made = by_ada.send("POST", "ledger-accounts/", {"code": "purse", "asset": "USD"})
    assert made.status_code == 201
    account = made.json()
    assert (account["code"], account["posted"], account["floor"]) == ("purse", 0, 0)
    assert [row["id"] for row in by_ada.get("ledger-accounts/").json()["items"]] == [account["id"]]
    assert by_bob.get("ledger-accounts/").json()["items"] == []
    for path in ("", "balance/", "entries/", "statement/"):
        answer = by_bob.get(f"ledger-accounts/{account['id']}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "LEDGER_ACCOUNT_NOT_FOUND")


def test_code_is_taken_once_and_never_an_id(by_ada):
    body = {"code": "purse", "asset": "USD"}
    assert by_ada.send("POST", "ledger-accounts/", body).status_code == 201
    again = by_ada.send("POST", "ledger-accounts/", body)
    assert (again.status_code, again.json()["code"]) == (409, "LEDGER_ACCOUNT_CODE_TAKEN")
    looks_like_id = {**body, "code": "01a1fc61-0203-703c-973a-a31d52667ef1"}
    assert by_ada.send("POST", "ledger-accounts/", looks_like_id).status_code == 409
    assert LedgerAccount.objects.filter(code="purse").count() == 1


@pytest.mark.parametrize(
    "more", [{"floor": -100}, {"floor": None}, {"ceiling": 5}, {"type": "asset"}, {"owner": None}]
)
def test_limits_and_other_owners_take_a_permission(by_ada, by_grace, bob: Person, more):
    if "owner" in more:
        more = {"owner": str(bob.user.pk)}
    body = {"code": "special", "asset": "USD", **more}
    refused = by_ada.send("POST", "ledger-accounts/", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "AUTH_FORBIDDEN")
    assert not LedgerAccount.objects.exists()
    assert by_grace.send("POST", "ledger-accounts/", body).status_code == 201


@pytest.mark.parametrize("path", ["ledgers/", "assets/"])
def test_books_and_assets_are_for_staff_to_make_and_all_to_read(by_ada, by_grace, path):
    body: dict[str, object] = {"code": "POINTS", "name": "Points"}
    if path == "assets/":
        body["exponent"] = 0
    assert by_ada.send("POST", path, body).status_code == 403
    assert by_grace.send("POST", path, body).status_code == 201
    assert by_grace.send("POST", path, body).status_code == 409
    assert "POINTS" in {row["code"] for row in by_ada.get(path).json()["items"]}


def test_keyed_write_replays(by_ada):
    body = {"code": "purse", "asset": "USD"}
    first = by_ada.send("POST", "ledger-accounts/", body, Idempotency_Key="k-1")
    again = by_ada.send("POST", "ledger-accounts/", body, Idempotency_Key="k-1")
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert LedgerAccount.objects.count() == 1


def test_change_needs_the_current_version(by_ada, by_grace, ada: Person):
    account_id = open_account(ada.principal, balance=10)
    path = f"ledger-accounts/{account_id}/"
    assert by_ada.send("PATCH", path, {"name": "x"}).status_code == 428
    assert by_ada.send("PATCH", path, {"name": "x"}, If_Match='"v9"').status_code == 412
    tag = by_ada.get(path)["ETag"]
    changed = by_ada.send("PATCH", path, {"name": "new", "metadata": {"a": "b"}}, If_Match=tag)
    assert (changed.status_code, changed.json()["name"]) == (200, "new")
    assert by_ada.send("PATCH", path, {"name": "x"}, If_Match=tag).status_code == 412
    tag = changed["ETag"]
    assert by_ada.send("PATCH", path, {"floor": -5}, If_Match=tag).status_code == 403
    limited = by_grace.send("PATCH", path, {"floor": -5, "ceiling": 20}, If_Match=tag)
    assert (limited.json()["floor"], limited.json()["ceiling"]) == (-5, 20)
    for beyond, code in (
        ({"floor": 11}, "TXN_INSUFFICIENT_FUNDS"),
        ({"ceiling": 9}, "TXN_LIMIT_EXCEEDED"),
    ):
        refused = by_grace.send("PATCH", path, beyond, If_Match=limited["ETag"])
        assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_only_an_empty_account_closes_and_for_good(by_ada, by_bob, ada: Person):
    full, empty = open_account(ada.principal, balance=1), open_account(ada.principal)
    refused = by_ada.send("POST", f"ledger-accounts/{full}/close/")
    assert (refused.status_code, refused.json()["code"]) == (409, "LEDGER_ACCOUNT_NOT_EMPTY")
    assert by_bob.send("POST", f"ledger-accounts/{empty}/close/").status_code == 404
    closed = by_ada.send("POST", f"ledger-accounts/{empty}/close/", {"reason": "I move away."})
    assert closed.json()["status"] == "closed"
    assert AuditEvent.objects.get(action="ledger_account.close").data == {"reason": "I move away."}
    tag = by_ada.get(f"ledger-accounts/{empty}/")["ETag"]
    again = by_ada.send("PATCH", f"ledger-accounts/{empty}/", {"name": "x"}, If_Match=tag)
    assert (again.status_code, again.json()["code"]) == (409, "LEDGER_ACCOUNT_CLOSED")


def test_account_closes_without_a_body_too(by_ada, ada: Person):
    empty = open_account(ada.principal)
    path = f"{API}/ledger-accounts/{empty}/close/"
    closed = Client().generic("POST", path, headers=by_ada.headers)
    assert closed.json()["status"] == "closed"


def test_staff_freezes_and_money_stands_still(by_ada, by_grace, ada: Person):
    source, target = open_account(ada.principal, balance=5), open_account(ada.principal)
    tag = by_grace.get(f"ledger-accounts/{source}/")["ETag"]
    frozen = by_grace.send(
        "PATCH", f"ledger-accounts/{source}/", {"status": "frozen"}, If_Match=tag
    )
    assert frozen.json()["status"] == "frozen"
    before = footprint()
    refused = by_ada.send("POST", "transactions/", _posting(source, target), Idempotency_Key="k")
    assert (refused.status_code, refused.json()["code"]) == (409, "LEDGER_ACCOUNT_FROZEN")
    assert footprint() == before


def test_post_answers_with_the_balances_and_reads_the_same(by_ada, by_bob, ada, bob):
    source, target = open_account(ada.principal, balance=100), open_account(bob.principal)
    body = {**_posting(source, target, 30), "reference": "order-1", "metadata": {"order": "1"}}
    made = by_ada.send("POST", "transactions/", body, Idempotency_Key="k")
    assert made.status_code == 201
    posted = made.json()
    assert made["Location"] == f"/api/v1/transactions/{posted['id']}/"
    assert [entry["balance_after"] for entry in posted["entries"]] == [70, 30]
    assert by_ada.get(f"transactions/{posted['id']}/").json() == posted
    assert by_bob.get(f"transactions/{posted['id']}/").json() == posted
    replay = by_ada.send("POST", "transactions/", body, Idempotency_Key="k")
    assert (replay.json(), replay["Idempotency-Replayed"]) == (posted, "true")


def test_stranger_sees_no_transaction(by_ada, by_bob, ada: Person):
    done = post(move(open_account(ada.principal, balance=5), open_account(ada.principal), 1))
    assert by_ada.get(f"transactions/{done.id}/").status_code == 200
    assert by_bob.get(f"transactions/{done.id}/").status_code == 404
    assert by_bob.get("transactions/").json()["items"] == []


def test_body_cannot_say_who_calls(by_bob, ada: Person, bob: Person):
    source, target = open_account(ada.principal, balance=5), open_account(bob.principal)
    before = footprint()
    for more in ({}, {"actor_id": str(ada.user.pk)}, {"user_id": str(ada.user.pk)}):
        body = {**_posting(source, target), **more}
        answer = by_bob.send("POST", "transactions/", body, Idempotency_Key=f"k{len(more)}")
        assert answer.status_code in (400, 404)
    assert footprint() == before


def test_well_known_house_account_opens_when_first_named(by_grace, ada: Person):
    target = open_account(ada.principal, asset="EUR")
    body = _posting("cash", target, 500, "EUR")
    assert by_grace.send("POST", "transactions/", body, Idempotency_Key="k").status_code == 201
    unknown = by_grace.send(
        "POST", "transactions/", _posting("savings", target, 1, "EUR"), Idempotency_Key="k2"
    )
    assert unknown.json()["code"] == "LEDGER_ACCOUNT_NOT_FOUND"


def test_lists_show_each_row_once_in_order(by_ada, by_grace, ada: Person):
    a, b = open_account(ada.principal, balance=100), open_account(ada.principal)
    made = [str(post(move(a, b, 1)).id) for _ in range(10)]
    entries = by_ada.walk(f"ledger-accounts/{a}/entries/")
    assert [row["account_seq"] for row in entries] == list(range(11, 0, -1))
    for path in ("transactions/", f"transactions/?account={a}"):
        found = [row["id"] for row in by_ada.walk(path)]
        assert found[:10] == made[::-1]
        assert len(found) == len(set(found)) == 11
    assert [row["id"] for row in by_grace.walk("transactions/")][:10] == made[::-1]
    lines = by_ada.walk(f"ledger-accounts/{b}/statement/")
    assert [line["balance"] for line in lines] == list(range(1, 11))


def test_reference_finds_the_transaction(by_ada, by_bob, ada: Person):
    a, b = open_account(ada.principal, balance=5), open_account(ada.principal)
    done = post(move(a, b, 1, reference="order-7"))
    (found,) = by_ada.get("transactions/?reference=order-7").json()["items"]
    assert found["id"] == str(done.id)
    assert by_bob.get("transactions/?reference=order-7").json()["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("user__is_staff=1", "ordering=password", "account=x", "limit=0", "cursor=forged"),
        *("reference=a&reference=b", "reference=%00"),
    ],
)
def test_unknown_or_senseless_filters_are_refused(by_ada, query):
    answer = by_ada.get(f"transactions/?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("?")


@pytest.mark.parametrize("query", ["at=yesterday", "clock=sundial", "at=2026-01-01", "x=1"])
def test_balance_at_no_instant_is_refused(by_ada, ada: Person, query):
    account = open_account(ada.principal)
    assert by_ada.get(f"ledger-accounts/{account}/balance/?{query}").status_code == 400


def test_balance_at_an_instant_by_both_clocks(by_ada, ada: Person):
    a, b = open_account(ada.principal, balance=100), open_account(ada.principal)
    yesterday = clock.now() - dt.timedelta(days=1)
    post(move(a, b, 40, effective_at=yesterday))
    path = f"ledger-accounts/{b}/balance/?at={clock.as_rfc3339(yesterday)}"
    assert by_ada.get(path).json()["posted"] == 0
    assert by_ada.get(f"{path}&clock=effective").json()["posted"] == 40


def test_statement_as_csv_is_safe_for_spreadsheets(by_ada, ada: Person):
    a, b = open_account(ada.principal, balance=100), open_account(ada.principal)
    post(move(a, b, 40, reference="=cmd|' /C calc'!A0", description="@x"))
    answer = by_ada.get(f"ledger-accounts/{b}/statement/", Accept="text/csv")
    text = b"".join(answer.streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["reference"], row["description"]) == ("'=cmd|' /C calc'!A0", "'@x")
    assert (row["amount_minor"], row["balance_minor"], row["asset"]) == ("40", "40", "USD")
    assert "attachment" in answer["Content-Disposition"]
    same = by_ada.get(f"ledger-accounts/{b}/statement/?format=csv")
    assert b"".join(same.streaming_content).decode() == text
    assert by_ada.get(f"ledger-accounts/{b}/statement/", Accept="image/png").status_code == 406
    chosen = by_ada.get(f"ledger-accounts/{b}/statement/?format=csv&fields=at")
    assert chosen.json()["code"] == "VALIDATION_FILTER_UNKNOWN"


def test_what_was_posted_has_no_method_that_changes_it(by_ada, ada: Person):
    a, b = open_account(ada.principal, balance=5), open_account(ada.principal)
    path = f"transactions/{post(move(a, b, 1)).id}/"
    before = footprint()
    for method in ("PUT", "PATCH", "DELETE"):
        answer = by_ada.send(method, path, {})
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert footprint() == before


def test_list_in_one_answer_is_a_safe_table_as_well(by_ada):
    services.create_asset(code="PTS", name="=1+1", exponent=0, actor=SYSTEM)
    answer = by_ada.get("assets/?fields=code,name", Accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert {"code": "PTS", "name": "'=1+1"} in rows
    assert len(rows) == len(by_ada.get("assets/").json()["items"])
    assert answer["Content-Disposition"] == 'attachment; filename="assets.csv"'


@pytest.mark.parametrize("count", [1, 10])
def test_lists_ask_as_often_for_ten_rows_as_for_one(
    by_ada, ada: Person, django_assert_max_num_queries, count
):
    accounts = [open_account(ada.principal, balance=5) for _ in range(count)]
    by_ada.get("me/")
    for path, queries in (
        ("ledger-accounts/", 1),
        ("transactions/", 3),
        (f"ledger-accounts/{accounts[0]}/entries/", 2),
        (f"ledger-accounts/{accounts[0]}/statement/", 4),
    ):
        with django_assert_max_num_queries(queries):
            assert by_ada.get(path).status_code == 200
    assert Transaction.objects.count() == count
