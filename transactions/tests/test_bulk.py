"""Many transactions at once: all or none with the faulty index, or each on its own merits."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import clock
from core.errors import DomainError
from core.fields import INT64_MAX
from core.models import OutboxEvent
from core.principals import SYSTEM, Principal
from tests.people import Person
from transactions import constants, errors, selectors, services
from transactions.models import LedgerAccount
from transactions.services import Draft, Expectation, Item, Posting
from transactions.tests.money import balance_of, footprint, is_clean, move, open_account, post

pytestmark = pytest.mark.django_db


def _all(drafts: list[Draft], actor: Principal = SYSTEM):
    return services.post_all_or_none(
        drafts=drafts, ledger_id=selectors.get_ledger("main").pk, actor=actor
    )


def _each(items: list[Item], actor: Principal = SYSTEM) -> list[str]:
    """Post each item; return ``posted`` or a code for each."""
    results = services.post_each(
        items=items, ledger_id=selectors.get_ledger("main").pk, actor=actor
    )
    return [result.code if isinstance(result, DomainError) else "posted" for result in results]


def test_thousand_items_take_as_many_queries_as_two(ada: Person, django_assert_max_num_queries):
    a, b = open_account(ada.principal, balance=100_000), open_account(ada.principal)
    for count in (2, constants.BATCH_MAX):
        with django_assert_max_num_queries(7):
            assert _each([Item(move(a, b, 1, reference=f"{count}-{n}")) for n in range(count)])
        with django_assert_max_num_queries(3):
            _all([move(a, b, 1) for _ in range(count)])
    assert balance_of(b) == 2 * (2 + constants.BATCH_MAX)
    assert OutboxEvent.objects.filter(topic="transaction.posted").count() == 1 + balance_of(b)
    assert is_clean()


def _faults(ada: Person) -> dict[str, tuple[Draft, type[DomainError]]]:
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    full = open_account(ada.principal, ceiling=3)
    yen = open_account(ada.principal, balance=INT64_MAX - 5, asset="JPY")
    deep = open_account(ada.principal, floor=None, asset="JPY")
    frozen, closed = open_account(ada.principal), open_account(ada.principal)
    services.update_ledger_account(
        account=LedgerAccount.objects.select_related("balance").get(pk=frozen),
        expected_version=1,
        changes={"status": "frozen"},
        actor=SYSTEM,
    )
    services.close_ledger_account(account=LedgerAccount.objects.get(pk=closed), actor=SYSTEM)
    post(move(a, b, 1, reference="taken"))
    old = clock.now() - dt.timedelta(days=400)
    return {
        "funds": (move(a, b, 10), errors.InsufficientFunds),
        "ceiling": (move(a, full, 4), errors.LimitExceeded),
        "overflow": (move(deep, yen, 6, asset="JPY"), errors.BalanceOverflow),
        "same": (move(a, a, 1), errors.SameAccount),
        "asset": (move(a, yen, 1), errors.AssetMismatch),
        "unknown": (move(a, uuid.uuid4(), 1), errors.LedgerAccountNotFound),
        "frozen": (move(a, frozen, 1), errors.LedgerAccountFrozen),
        "closed": (move(a, closed, 1), errors.LedgerAccountClosed),
        "reference": (move(a, b, 1, reference="taken"), errors.ReferenceTaken),
        "twice": (move(a, b, 1, reference="good"), errors.ReferenceTaken),
        "old": (move(a, b, 1, effective_at=old), errors.EffectiveAtOutOfRange),
    }


FAULTS = [
    *("funds", "ceiling", "overflow", "same", "asset", "unknown", "frozen", "closed"),
    *("reference", "twice", "old"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_item_is_named_and_nothing_or_only_it_is_left_out(ada: Person, fault: str):
    faults = _faults(ada)
    assert sorted(faults) == sorted(FAULTS)
    faulty, refusal = faults[fault]
    c, d = open_account(ada.principal, balance=5), open_account(ada.principal)
    drafts = [move(c, d, 1, reference="good"), faulty, move(c, d, 1)]
    before = footprint()
    with pytest.raises(refusal) as refused:
        _all(drafts)
    assert refused.value.extensions["transaction"] == 1
    assert footprint() == before
    assert _each([Item(draft) for draft in drafts]) == ["posted", refusal.code, "posted"]
    assert balance_of(d) == 2
    assert is_clean()


def test_each_item_must_keep_the_limits_given_those_before(ada: Person):
    a, b = open_account(ada.principal), open_account(ada.principal, balance=10)
    early, funding = move(a, b, 5), move(b, a, 5)
    before = footprint()
    with pytest.raises(errors.InsufficientFunds) as refused:
        _all([early, funding])
    assert refused.value.extensions["transaction"] == 0
    assert footprint() == before
    assert _each([Item(early), Item(funding)]) == ["TXN_INSUFFICIENT_FUNDS", "posted"]
    assert len(_all([early, funding])) == 2
    assert is_clean()


def test_linked_items_are_posted_together_or_not_at_all(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    items = [
        Item(move(a, b, 4, reference="r"), "x"),
        Item(move(a, b, 7), "x"),
        Item(move(a, b, 6, reference="r"), "y"),
        Item(move(b, a, 1), "y"),
        Item(move(a, b, 6)),
    ]
    assert _each(items) == [
        *("TXN_LINKED_REFUSED", "TXN_INSUFFICIENT_FUNDS", "posted", "posted"),
        "TXN_INSUFFICIENT_FUNDS",
    ]
    assert (balance_of(a), balance_of(b)) == (5, 5)
    assert is_clean()


def test_each_item_expects_what_those_before_leave(ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    other = open_account(ada.principal)

    def moves(*expected: tuple[uuid.UUID, int]) -> list[Draft]:
        return [move(a, b, 1, expectations=[Expectation(*one)]) for one in expected]

    _all(moves((a, 1), (a, 2), (b, 2)))
    before = footprint()
    for wrong in ((a, 4), (b, 3), (other, 0)):
        with pytest.raises(errors.ExpectationFailed) as refused:
            _all(moves((a, 4), wrong, (b, 5)))
        assert refused.value.extensions["transaction"] == 1
    assert footprint() == before
    # A refused one leaves no entries for those after to count.
    ends = _each([Item(draft) for draft in moves((a, 4), (a, 4), (b, 4), (b, 4))])
    assert ends == ["posted", "TXN_EXPECTATION_FAILED", "posted", "TXN_EXPECTATION_FAILED"]
    assert balance_of(b) == 5
    assert is_clean()


def test_expectations_of_items_over_http(by_ada, ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    body = _body(a, b, 1, 1, atomic=False)
    for item in body["items"]:
        item["expect"] = [{"account": str(a), "entry_seq": 1}]
    answer = by_ada.send("POST", "transactions/bulk/", body, Idempotency_Key="k").json()
    assert [item.get("code") for item in answer["items"]] == [None, "TXN_EXPECTATION_FAILED"]
    assert balance_of(b) == 1


def test_ordinary_caller_takes_only_from_their_own(ada: Person, bob: Person):
    mine = open_account(ada.principal, balance=5)
    theirs = open_account(bob.principal, balance=5)
    items = [Item(move(theirs, mine, 1)), Item(move(mine, theirs, 1))]
    assert _each(items, ada.principal) == ["LEDGER_ACCOUNT_NOT_FOUND", "posted"]
    before = footprint()
    with pytest.raises(errors.LedgerAccountNotFound):
        _all([item.draft for item in items], ada.principal)
    assert footprint() == before


def test_reference_taken_since_the_plan_makes_a_new_plan(ada: Person, monkeypatch):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    post(move(a, b, 1, reference="r"))
    known = [set[str](), {"r"}]
    monkeypatch.setattr(selectors, "known_references", lambda *_: known.pop(0))
    assert _each([Item(move(a, b, 1, reference="r")), Item(move(a, b, 1))]) == [
        *("TXN_REFERENCE_TAKEN", "posted"),
    ]
    assert known == []


moves = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 3), st.integers(1, 40), st.sampled_from([None, "x", "y"])
    ),
    min_size=1,
    max_size=15,
)


@hypothesis_settings(max_examples=15)
@given(moves=moves, limits=st.lists(st.integers(0, 60), min_size=4, max_size=4))
def test_each_on_its_merits_equals_one_after_the_other(ada: Person, moves, limits):
    """The batch decides as single postings do, whatever the limits are."""
    pairs = [
        [open_account(ada.principal, balance=20, ceiling=20 + limit) for limit in limits]
        for _ in range(2)
    ]
    batch, single = (
        [
            Draft(postings=[Posting(accounts[s], accounts[d], amount, "USD")])
            for s, d, amount, _ in moves
        ]
        for accounts in pairs
    )
    decided = _each([Item(draft) for draft in batch])
    expected = []
    for draft in single:
        try:
            post(draft)
            expected.append("posted")
        except DomainError as refusal:
            expected.append(refusal.code)
    assert decided == expected
    assert [balance_of(a) for a in pairs[0]] == [balance_of(a) for a in pairs[1]]
    # With links: what was posted is whole groups, and the ledger still holds.
    linked = _each([Item(draft, link) for draft, (*_, link) in zip(batch, moves, strict=True)])
    assert len(linked) == len(moves)
    assert is_clean()


def _body(source, target, *amounts: int, **more):
    return {
        "items": [
            {
                "postings": [
                    {
                        "source": str(source),
                        "destination": str(target),
                        "amount": amount,
                        "asset": "USD",
                    }
                ]
            }
            for amount in amounts
        ],
        **more,
    }


def test_bulk_over_http_in_both_ways(by_ada, ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    together = by_ada.send("POST", "transactions/bulk/", _body(a, b, 1, 2), Idempotency_Key="k1")
    assert together.status_code == 201
    assert [item["status"] for item in together.json()["items"]] == ["posted", "posted"]
    before = footprint()
    refused = by_ada.send("POST", "transactions/bulk/", _body(a, b, 3, 9), Idempotency_Key="k2")
    assert (refused.status_code, refused.json()["code"]) == (422, "TXN_INSUFFICIENT_FUNDS")
    assert refused.json()["transaction"] == 1
    again = by_ada.send("POST", "transactions/bulk/", _body(a, b, 1, 2), Idempotency_Key="k1")
    assert (again.json(), again["Idempotency-Replayed"]) == (together.json(), "true")
    assert footprint() == before
    body = _body(a, b, 3, 9, 2, atomic=False)
    body["items"][1]["postings"][0]["source"] = "no-such-code"
    each = by_ada.send("POST", "transactions/bulk/", body, Idempotency_Key="k3")
    assert each.status_code == 207
    results = each.json()["items"]
    assert [item["status"] for item in results] == ["posted", "refused", "posted"]
    assert [item["index"] for item in results] == [0, 1, 2]
    assert results[1]["code"] == "LEDGER_ACCOUNT_NOT_FOUND"
    assert results[1]["errors"][0]["pointer"] == "#/postings/0/source"
    assert by_ada.get(f"transactions/{results[2]['id']}/").status_code == 200


def test_bulk_is_limited_keyed_and_neighbourly(by_ada, ada: Person):
    a, b = open_account(ada.principal, balance=10), open_account(ada.principal)
    before = footprint()
    many = _body(a, b, *[1] * (constants.BATCH_MAX + 1))
    assert by_ada.send("POST", "transactions/bulk/", many, Idempotency_Key="k").status_code == 400
    keyless = by_ada.send("POST", "transactions/bulk/", _body(a, b, 1))
    assert keyless.json()["code"] == "IDEMPOTENCY_KEY_MISSING"
    scattered = _body(a, b, 1, 1, 1)
    for item, link in zip(scattered["items"], "xyx", strict=True):
        item["link"] = link
    refused = by_ada.send("POST", "transactions/bulk/", scattered, Idempotency_Key="k")
    assert (refused.status_code, refused.json()["code"]) == (400, "TXN_LINK_SCATTERED")
    assert refused.json()["errors"][0]["pointer"] == "#/items/2/link"
    assert footprint() == before


def test_dry_run_answers_like_the_deed_and_leaves_no_trace(by_grace, ada: Person):
    b = open_account(ada.principal, asset="EUR")
    item = _body("cash", b, 4)["items"][0]
    item["postings"][0]["asset"] = "EUR"
    by_grace.send("POST", "transactions/", item, Idempotency_Key="k0")
    before = footprint()
    tried = by_grace.send("POST", "transactions/validate/", item)
    assert (tried.status_code, tried.json()["status"]) == (200, "valid")
    assert [entry["balance_after"] for entry in tried.json()["entries"]] == [-8, 8]
    assert footprint() == before
    item["postings"][0]["source"], item["postings"][0]["destination"] = str(b), "cash"
    item["postings"][0]["amount"] = 5
    refused = by_grace.send("POST", "transactions/validate/", item)
    assert (refused.status_code, refused.json()["code"]) == (422, "TXN_INSUFFICIENT_FUNDS")
    assert footprint() == before
