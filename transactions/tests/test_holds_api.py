"""The endpoints of holds: keys required, one answer for one key, strangers see nothing."""

from __future__ import annotations

import pytest

from tests.people import Person
from transactions.tests.callers import Caller
from transactions.tests.money import footprint, hold_on, open_account

pytestmark = pytest.mark.django_db


def _terms(source, destination, amount=60):
    return {
        "source": str(source),
        "destination": str(destination),
        "amount": amount,
        "asset": "USD",
        "expires_in_s": 900,
    }


def test_place_capture_and_read_over_http(by_ada, by_bob, ada: Person, bob: Person):
    purse, shop = open_account(ada.principal, balance=100), open_account(bob.principal)
    placed = by_ada.send("POST", "holds/", _terms(purse, shop), Idempotency_Key="k-1")
    assert placed.status_code == 201
    hold = placed.json()
    assert (hold["status"], hold["amount"], hold["remaining"]) == ("pending", 60, 60)
    again = by_ada.send("POST", "holds/", _terms(purse, shop), Idempotency_Key="k-1")
    assert (again.json(), again["Idempotency-Replayed"]) == (hold, "true")
    part = {"amount": 25, "final": False, "reference": "part-1"}
    captured = by_bob.send("POST", f"holds/{hold['id']}/capture/", part, Idempotency_Key="k-2")
    assert captured.status_code == 201
    assert captured.json()["hold"]["remaining"] == 35
    assert [entry["balance_after"] for entry in captured.json()["entries"]] == [75, 25]
    released = by_bob.send("POST", f"holds/{hold['id']}/release/", {}, Idempotency_Key="k-3")
    assert (released.status_code, released.json()["status"]) == (200, "released")
    late = by_bob.send("POST", f"holds/{hold['id']}/capture/", {}, Idempotency_Key="k-4")
    assert (late.status_code, late.json()["code"]) == (409, "HOLD_NOT_PENDING")
    # The first answers stand, whatever became of the hold.
    replay = by_bob.send("POST", f"holds/{hold['id']}/capture/", part, Idempotency_Key="k-2")
    assert replay.json() == captured.json()
    for caller in (by_ada, by_bob):
        assert caller.get(f"holds/{hold['id']}/").json()["captured"] == 25
        assert [row["id"] for row in caller.get("holds/").json()["items"]] == [hold["id"]]
    assert by_ada.get("holds/?status=pending").json()["items"] == []


def test_money_is_set_aside_only_with_a_key(by_ada, by_bob, ada: Person, bob: Person):
    purse, shop = open_account(ada.principal, balance=100), open_account(bob.principal)
    hold = hold_on(purse, shop, 10)
    before = footprint()
    for path, body in (
        ("holds/", _terms(purse, shop)),
        (f"holds/{hold.pk}/capture/", {}),
        (f"holds/{hold.pk}/release/", {}),
    ):
        refused = by_bob.send("POST", path, body)
        assert (refused.status_code, refused.json()["code"]) == (400, "IDEMPOTENCY_KEY_MISSING")
    assert footprint() == before


def test_stranger_finds_no_hold(by_bob, ada: Person):
    purse, other = open_account(ada.principal, balance=100), open_account(ada.principal)
    hold = hold_on(purse, other, 10)
    before = footprint()
    assert by_bob.get(f"holds/{hold.pk}/").status_code == 404
    assert by_bob.get("holds/").json()["items"] == []
    for verb in ("capture", "release"):
        answer = by_bob.send("POST", f"holds/{hold.pk}/{verb}/", {}, Idempotency_Key=verb)
        assert (answer.status_code, answer.json()["code"]) == (404, "HOLD_NOT_FOUND")
    assert footprint() == before


@pytest.mark.parametrize("count", [1, 10])
def test_list_asks_once_and_walks_both_ways(
    by_ada: Caller, by_grace, ada, bob, count, django_assert_max_num_queries
):
    purse, shop = open_account(ada.principal, balance=100), open_account(bob.principal, balance=9)
    made = [str(hold_on(purse, shop, 1).pk) for _ in range(count)]
    made.append(str(hold_on(shop, purse, 1).pk))
    by_ada.get("me/")
    with django_assert_max_num_queries(1):
        assert [row["id"] for row in by_ada.get("holds/").json()["items"]] == made[::-1]
    assert [row["id"] for row in by_ada.walk("holds/")] == made[::-1]
    assert [row["id"] for row in by_grace.walk("holds/")] == made[::-1]
