"""Trial balances, and the statement that staff print."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from tests.people import Person, make_person
from transactions import services
from transactions.admin import charts
from transactions.tests.callers import Caller
from transactions.tests.money import move, open_account, post

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)


def _items(answer) -> dict[str, tuple[int, int, int]]:
    return {row["type"]: (row["accounts"], row["debit"], row["credit"]) for row in answer["items"]}


@pytest.mark.parametrize("is_refreshed", [False, True])
def test_trial_balance_by_either_clock(ada: Person, grace: Person, is_refreshed):
    a, b = open_account(ada.principal, balance=1_000), open_account(ada.principal)
    overdrawn = open_account(ada.principal, floor=None)
    last_week = clock.now() - dt.timedelta(days=7)
    post(move(overdrawn, b, 40, effective_at=last_week))
    post(move(a, b, 1))
    if is_refreshed:
        services.refresh_snapshots()
    by_grace = Caller(grace)
    now = by_grace.get("trial-balance/").json()
    assert _items(now) == {"equity": (1, 1_000, 0), "liability": (3, 40, 1_040)}
    assert now["totals"] == [{"asset": "USD", "debit": 1_040, "credit": 1_040, "balances": True}]
    yesterday = (clock.now() - dt.timedelta(days=1)).isoformat().replace("+00:00", "Z")
    then = by_grace.get(f"trial-balance/?at={yesterday}&clock=effective").json()
    assert _items(then) == {"equity": (1, 0, 0), "liability": (3, 40, 40)}
    known_then = by_grace.get(f"trial-balance/?at={yesterday}&clock=recorded").json()
    assert _items(known_then) == {"equity": (1, 0, 0), "liability": (3, 0, 0)}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?ledger=none", 404, "LEDGER_NOT_FOUND"),
        ("?at=never", 400, "VALIDATION_FILTER_UNKNOWN"),
        ("?ledger=%00", 400, "VALIDATION_FILTER_UNKNOWN"),
        ("?other=1", 400, "VALIDATION_FILTER_UNKNOWN"),
    ],
)
def test_trial_balance_of_nothing_is_refused(grace: Person, query, status, code):
    answer = Caller(grace).get(f"trial-balance/{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_trial_balance_is_for_staff(ada: Person):
    answer = Caller(ada).get("trial-balance/")
    assert (answer.status_code, answer.json()["code"]) == (403, "AUTH_FORBIDDEN")


def test_sum_beyond_64_bits_is_refused(grace: Person):
    house = [open_account(grace.principal, floor=None) for _ in range(4)]
    for number in (0, 2):
        post(move(house[number], house[number + 1], 2**62 + 2**61))
    answer = Caller(grace).get("trial-balance/")
    assert (answer.status_code, answer.json()["code"]) == (422, "DB_NUMBER_OUT_OF_RANGE")


def test_chart_steps_from_balance_to_balance():
    chart = charts.balance_chart(0, [(NOW, 100), (NOW + dt.timedelta(days=1), -100)])
    assert chart is not None
    top, middle, bottom = charts.MARGIN, charts.HEIGHT // 2, charts.HEIGHT - charts.MARGIN
    left, right = charts.MARGIN, charts.WIDTH - charts.MARGIN
    assert chart.points == (
        f"{left},{middle} {left},{middle} {left},{top} "
        f"{right},{top} {right},{bottom} {right},{bottom}"
    )
    assert (chart.zero_y, chart.lowest, chart.highest) == (middle, -100, 100)


def test_chart_of_nothing_and_of_one_moment():
    assert charts.balance_chart(5, []) is None
    flat = charts.balance_chart(7, [(NOW, 7)])
    assert flat is not None
    assert (flat.zero_y, flat.lowest, flat.highest) == (None, 7, 7)


def test_printed_statement_has_a_chart_and_no_script(ada: Person):
    a, b = open_account(ada.principal, balance=1_250), open_account(ada.principal)
    post(move(a, b, 250, description="<script>alert(1)</script>"))
    client = Client()
    client.force_login(make_person("root@example.org", is_superuser=True).user)
    page = client.get(reverse("admin:transactions_ledgeraccount_statement", args=[a]))
    text = page.content.decode()
    chart = re.search(r'<svg class="balance-chart".*?</svg>', text, re.DOTALL)
    assert chart is not None
    assert "12.50 USD" in chart[0]
    assert re.search(r'<polyline class="balance" points="[0-9, ]+"/>', chart[0])
    assert not re.search(r"style=|on\w+=|<script", chart[0])
    assert "<script>alert" not in text
    assert "transactions/statement.css" in text
