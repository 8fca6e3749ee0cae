"""Every hostile body: the named status and code, a problem document, nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from core.principals import SYSTEM
from sessions_app.services import start_session
from transactions import services
from transactions.models import LedgerAccount
from transactions.tests.money import footprint, open_account

CASES = yaml.safe_load((Path(__file__).parent / "requests.yaml").read_text(encoding="utf-8"))
URL = "/api/v1/transactions/"


@pytest.fixture
def accounts(ada, bob) -> dict[str, str]:
    """The caller's accounts, by the names the cases use."""
    found = {
        "purse": open_account(ada.principal, balance=100),
        "target": open_account(bob.principal, balance=1),
        "frozen": open_account(ada.principal, balance=5),
        "deep": open_account(ada.principal, floor=None),
    }
    account = LedgerAccount.objects.select_related("balance").get(pk=found["frozen"])
    services.update_ledger_account(
        account=account, expected_version=1, changes={"status": "frozen"}, actor=SYSTEM
    )
    return {name: str(account_id) for name, account_id in found.items()}


def _body(case: dict[str, Any], accounts: dict[str, str]) -> bytes:
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    if "raw" in case:
        return case["raw"].encode()
    if "repeat" in case:
        start, part, count, end = case["repeat"]
        if start == "{amount:":
            return _good(case, accounts, part * count).encode()
        end = end.replace("{closing}", "]" * count)
        return (start + part * count + end).encode()
    return _good(case, accounts, case["amount"]).encode()


def _good(case: dict[str, Any], accounts: dict[str, str], amount: str) -> str:
    source = accounts[case.get("source", "purse")]
    destination = accounts[case.get("destination", "target")]
    if case.get("asset") == "XXX":
        source, destination = "savings", "target"
    members = [
        f'"postings":[{{"source":"{source}","destination":"{destination}",'
        f'"amount":{amount},"asset":"{case.get("asset", "USD")}"}}]'
    ]
    if "effective_at" in case:
        members.append(f'"effective_at":"{case["effective_at"]}"')
    if "description" in case:
        members.append(f'"description":{case["description"]}')
    if "description_length" in case:
        members.append(f'"description":"{"x" * case["description_length"]}"')
    if "metadata_keys" in case:
        keys = {f"k{number}": "v" for number in range(case["metadata_keys"])}
        members.append(f'"metadata":{json.dumps(keys)}')
    return "{" + ",".join(members) + "}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_hostile_body_is_refused_by_name_and_writes_nothing(ada, accounts, case):
    _, token = start_session(user=ada.user)
    key = case["key"] if "key" in case else "k" * case.get("key_length", 8)
    headers = {"Authorization": f"Bearer {token}", **case.get("headers", {})}
    if key is not None:
        headers["Idempotency-Key"] = key
    before = footprint()
    answer = Client(raise_request_exception=False).generic(
        "POST",
        URL,
        _body(case, accounts),
        content_type=case.get("content_type", "application/json"),
        headers=headers,
    )
    problem = json.loads(answer.content)
    assert (answer.status_code, problem["code"]) == (case["status"], case["code"]), problem
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["status"] == case["status"]
    assert {"type", "title", "detail", "instance", "request_id"} <= set(problem)
    assert footprint() == before


def test_the_good_body_is_good(ada, accounts):
    """Or the cases above would prove little."""
    _, token = start_session(user=ada.user)
    answer = Client().generic(
        "POST",
        URL,
        _good({}, accounts, "1"),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
    )
    assert answer.status_code == 201
    assert len(CASES) >= 20
