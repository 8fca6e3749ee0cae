"""An operation takes what its document declares, in the version its path names, and no more."""

from __future__ import annotations

import json

import msgpack
import pytest
from django.test import Client

from sessions_app.services import start_session
from tests.people import Person
from transactions.tests.money import open_account

pytestmark = pytest.mark.django_db
ACCOUNTS = "/api/v1/ledger-accounts/"


@pytest.fixture
def by_ada(ada: Person) -> Client:
    _, token = start_session(user=ada.user)
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("me/", "x=1"),
        ("sessions/", "password=a"),
        ("ledger-accounts/", "user__password=a"),
        ("ledger-accounts/", "ordering=password"),
        ("ledger-accounts/", "code=a&code=b"),
        ("ledger-accounts/", "code=a%00b"),
        ("ledger-accounts/", "code=a%E2%80%AEb"),
        ("ledger-accounts/", "%0d%0a=1"),
        ("transactions/", "fields="),
        ("transactions/", "fields=password"),
        ("transactions/", "fields=id,"),
    ],
)
def test_undeclared_parameters_are_refused_and_named(by_ada, path, query):
    answer = by_ada.get(f"/api/v1/{path}?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "VALIDATION_FILTER_UNKNOWN")
    assert problem["errors"][0]["pointer"].startswith("?")


def test_posts_take_no_parameters(by_ada):
    answer = by_ada.post(f"{ACCOUNTS}?code=a", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FILTER_UNKNOWN")


def test_chosen_fields_are_all_that_is_answered(by_ada, ada: Person):
    open_account(ada.principal)
    open_account(ada.principal)
    page = by_ada.get(f"{ACCOUNTS}?fields=id,code&limit=1").json()
    assert set(page) == {"items", "next", "previous"}
    assert [set(item) for item in page["items"]] == [{"id", "code"}]
    assert "fields=id%2Ccode" in page["next"]
    assert set(by_ada.get("/api/v1/me/?fields=email").json()) == {"email"}
    assert set(by_ada.get("/api/v1/me/?fields=email,email").json()) == {"email"}


def test_unknown_method_is_told_so_whatever_its_parameters(by_ada):
    answer = by_ada.generic("PURGE", "/api/v1/me/?x=1")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, PATCH, HEAD, OPTIONS")


def test_format_is_a_parameter_of_every_method(by_ada):
    answer = by_ada.post(f"{ACCOUNTS}?format=msgpack", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_REQUIRED")


@pytest.mark.parametrize("named", ["2", "v2", "0", "one", "", "1, 2"])
def test_version_header_must_agree_with_the_path(by_ada, named):
    answer = by_ada.get("/api/v1/me/", headers={"API-Version": named})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_VERSION_MISMATCH")
    assert answer["API-Version"] == "1"


@pytest.mark.parametrize("named", ["1", "v1", None])
def test_version_header_may_say_what_the_path_says(by_ada, named):
    headers = {"API-Version": named} if named else {}
    assert by_ada.get("/api/v1/me/", headers=headers)["API-Version"] == "1"


def test_removed_version_is_gone_and_unknown_ones_are_not_there():
    gone, unknown = Client().get("/api/v0/me/"), Client().get("/api/v9/me/")
    assert (gone.status_code, gone.json()["code"]) == (410, "VALIDATION_VERSION_GONE")
    assert unknown.status_code == 404
    assert not unknown.has_header("API-Version")


@pytest.mark.parametrize("path", ["/api/", "/api/%0d%0aa/", "/api/v1", "/api/v1%00/", "/%ff"])
def test_strange_paths_are_not_found(path):
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("kept", ["{tag}", "W/{tag}", '"v9", {tag}', "*"])
def test_who_has_this_version_gets_no_body(by_ada, kept):
    full = by_ada.get("/api/v1/me/")
    known = kept.format(tag=full["ETag"])
    answer = by_ada.get("/api/v1/me/", headers={"If-None-Match": known})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == full["ETag"]
    assert answer["Cache-Control"] == "no-store"
    other = by_ada.get("/api/v1/me/", headers={"If-None-Match": '"v999"'})
    assert (other.status_code, other.content) == (200, full.content)


@pytest.mark.parametrize("given", ["0", "1.5", "-1", "abc", "10000", ""])
def test_timeout_that_is_none_is_refused(given):
    answer = Client().get("/api/v1/me/", headers={"X-Request-Timeout": given})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_HEADER_INVALID")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv; charset=utf-8"),
        ("text/csv;q=0.1, application/json;q=0.9", "application/json"),
        ("application/msgpack", "application/msgpack"),
        ("application/*;q=0.2, text/*", "text/csv; charset=utf-8"),
    ],
)
def test_client_gets_what_it_likes_best(by_ada, accept, expected):
    answer = by_ada.get(ACCOUNTS, headers={"Accept": accept})
    assert answer["Content-Type"] == expected
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "text/csv"])
def test_nothing_the_client_likes_is_406(by_ada, accept):
    answer = by_ada.get("/api/v1/me/", headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (406, "VALIDATION_NOT_ACCEPTABLE")


def test_messagepack_says_what_json_says(by_ada, ada: Person):
    open_account(ada.principal, balance=2**53 + 1)
    as_json = json.loads(by_ada.get(ACCOUNTS).content)
    packed = by_ada.get(f"{ACCOUNTS}?format=msgpack").content
    assert msgpack.unpackb(packed) == as_json


def test_list_as_csv_is_all_of_it_in_chunks(by_ada, ada: Person, monkeypatch):
    monkeypatch.setattr("core.pagination.CHUNK", 2)
    accounts = [str(open_account(ada.principal)) for _ in range(5)]
    answer = by_ada.get(f"{ACCOUNTS}?fields=id,code&format=csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0] == "id,code"
    assert sorted(line.split(",")[0] for line in lines[1:]) == sorted(accounts)
    assert "attachment" in answer["Content-Disposition"]
