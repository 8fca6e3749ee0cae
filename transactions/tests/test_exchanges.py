"""Exchanges: integers throughout, four legs, terms on record, only for who may set a rate."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors as core_errors
from core.principals import SYSTEM
from tests.people import Person
from transactions import errors, services
from transactions.models import Asset, Exchange, Transaction
from transactions.services import Terms
from transactions.services.exchanges import converted
from transactions.tests.money import balance_of, footprint, is_clean, open_account


def _terms(source, destination, amount=10_000, **more) -> Terms:
    given_terms = {
        "source_asset": "USD",
        "destination_asset": "EUR",
        "rate": 92_345,
        "rate_scale": 5,
        **more,
    }
    return Terms(source=source, destination=destination, amount_minor=amount, **given_terms)


@given(
    amount=st.integers(1, 10**15),
    rate=st.integers(1, 10**12),
    scale=st.integers(0, 12),
    exponents=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_conversion_equals_exact_arithmetic_rounded_half_even(amount, rate, scale, exponents):
    source, destination = (Asset(code=f"A{e}", exponent=e) for e in exponents)
    terms = _terms(None, None, rate=rate, rate_scale=scale)
    exact = Fraction(amount * rate, 10**scale) * Fraction(10) ** (exponents[1] - exponents[0])
    assert converted(amount, terms=terms, source=source, destination=destination) == round(exact)


@pytest.mark.django_db
def test_exchange_is_one_transaction_with_its_terms(ada: Person):
    dollars = open_account(ada.principal, balance=20_000)
    euros = open_account(ada.principal, asset="EUR")
    done, posted, _ = services.exchange(
        terms=_terms(dollars, euros, fee_minor=25, reference="fx-1"),
        ledger_code="main",
        actor=SYSTEM,
    )
    assert (balance_of(dollars), balance_of(euros)) == (9_975, 9_234)
    assert [entry.amount for entry in posted.entries] == [
        *(-10_000, 10_000, -9_234, 9_234, -25, 25),
    ]
    assert Transaction.objects.get(pk=posted.id).kind == "exchange"
    stored = Exchange.objects.get()
    assert (stored.pk, stored.user_id) == (posted.id, ada.user.pk)
    assert (stored.rate, stored.rate_scale, stored.fee_amount) == (92_345, 5, 25)
    assert stored == done
    assert is_clean()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"destination_asset": "USD"}, errors.SameAsset),
        ({"destination_asset": "XQQ"}, errors.AssetNotFound),
        ({"rate": 1, "rate_scale": 12}, errors.AmountNotConvertible),
        ({"rate": 2**62, "rate_scale": 0}, errors.AmountNotConvertible),
        ({"destination_asset": "JPY"}, errors.AssetMismatch),
        ({"fee_minor": 10_001}, errors.InsufficientFunds),
    ],
)
def test_exchange_without_sense_or_money_is_refused(ada: Person, more, refusal):
    dollars = open_account(ada.principal, balance=20_000)
    euros = open_account(ada.principal, asset="EUR")
    before = footprint()
    with pytest.raises(refusal):
        services.exchange(terms=_terms(dollars, euros, **more), ledger_code="main", actor=SYSTEM)
    assert footprint() == before
    assert not Exchange.objects.exists()


@pytest.mark.django_db
def test_nobody_sets_their_own_rate(by_ada, ada: Person):
    dollars = open_account(ada.principal, balance=20_000)
    euros = open_account(ada.principal, asset="EUR")
    with pytest.raises(core_errors.PermissionRefused):
        services.exchange(terms=_terms(dollars, euros), ledger_code="main", actor=ada.principal)
    body = {
        "source": str(dollars),
        "source_asset": "USD",
        "destination": str(euros),
        "destination_asset": "EUR",
        "amount": 100,
        "rate": 1,
        "rate_scale": 0,
    }
    assert by_ada.send("POST", "exchanges/", body, Idempotency_Key="k").status_code == 403
    assert (balance_of(dollars), balance_of(euros)) == (20_000, 0)


@pytest.mark.django_db
def test_exchange_over_http(by_grace, ada: Person):
    dollars = open_account(ada.principal, balance=20_000)
    yen = open_account(ada.principal, asset="JPY")
    body = {
        "source": str(dollars),
        "source_asset": "USD",
        "destination": str(yen),
        "destination_asset": "JPY",
        "amount": 150,
        "rate": 15_425,
        "rate_scale": 2,
    }
    made = by_grace.send("POST", "exchanges/", body, Idempotency_Key="k")
    assert made.status_code == 201
    # 1.50 dollars at 154.25 are 231.375 yen.
    assert made.json()["destination_amount"] == balance_of(yen) == 231
    identifier = made.json()["transaction"]["id"]
    assert by_grace.get(f"transactions/{identifier}/").json() == made.json()["transaction"]
    for wrong in ({"rate": 1.5}, {"rate": "1"}, {"rate": 0}, {"rate_scale": 13}, {"fee": -1}):
        answer = by_grace.send("POST", "exchanges/", {**body, **wrong}, Idempotency_Key="k2")
        assert answer.status_code == 400
