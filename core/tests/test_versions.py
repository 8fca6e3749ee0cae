"""Two versions side by side, and how the first learns that it is going away."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from core import metrics
from sessions_app.services import start_session
from tests.people import Person
from transactions.tests.money import open_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_ada(ada: Person) -> Client:
    _, token = start_session(user=ada.user)
    return Client(headers={"Authorization": f"Bearer {token}"})


def test_one_resource_under_two_versions(by_ada, ada: Person):
    account = open_account(ada.principal, balance=8750)
    first = by_ada.get(f"/api/v1/ledger-accounts/{account}/balance/")
    second = by_ada.get(f"/api/v2/ledger-accounts/{account}/balance/")
    assert (first["API-Version"], second["API-Version"]) == ("1", "2")
    assert first.json()["posted"] == 8750
    assert second.json()["posted"] == {"amount": 8750, "asset": "USD"}
    then = by_ada.get(f"/api/v2/ledger-accounts/{account}/balance/?at=2026-01-01T00:00:00Z")
    assert set(then.json()) == set(second.json())
    assert then.json()["posted"] == {"amount": 0, "asset": "USD"}
    assert then.json()["available"] is None


def test_what_goes_away_says_when_and_what_comes_instead(by_ada, ada: Person):
    account = open_account(ada.principal)
    old = by_ada.get(f"/api/v1/ledger-accounts/{account}/balance/")
    assert old["Deprecation"] == "@1795219200"
    assert old["Sunset"] == "Sun, 21 Nov 2027 00:00:00 GMT"
    successor = f"/api/v2/ledger-accounts/{account}/balance/"
    assert old["Link"] == f'<{successor}>; rel="successor-version"'
    assert by_ada.get(successor).status_code == 200
    assert not by_ada.get("/api/v1/me/").has_header("Deprecation")


def test_document_marks_what_goes_away():
    document = (settings.BASE_DIR / "docs" / "openapi-v1.yaml").read_text(encoding="utf-8")
    after = document.partition("/api/v1/ledger-accounts/{account_id}/balance/:")[2]
    assert "deprecated: true" in after.partition("/api/v1/")[0]


def test_use_is_counted_by_version(by_ada, ada: Person):
    account = open_account(ada.principal)

    def used(version: str, deprecated: str) -> float:
        return metrics.API_REQUESTS.labels(version=version, deprecated=deprecated)._value.get()

    before = used("1", "True"), used("1", "False"), used("2", "False")
    by_ada.get(f"/api/v1/ledger-accounts/{account}/balance/")
    by_ada.get("/api/v1/me/")
    by_ada.get(f"/api/v2/ledger-accounts/{account}/balance/")
    after = used("1", "True"), used("1", "False"), used("2", "False")
    assert [later - earlier for earlier, later in zip(before, after, strict=True)] == [1, 1, 1]
