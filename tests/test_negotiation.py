"""Every list of the URL map in every form: JSON, MessagePack, and CSV that is streamed."""

from __future__ import annotations

import csv

import msgpack
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.pagination import LIMIT_DEFAULT
from core.privacy import data_map
from tests.callers import Callers
from tests.endpoints import Operation, operations, resolved

CSV = "text/csv; charset=utf-8"


# A feed is followed and never whole: without its link nobody could go on.
NO_TABLES = {"GET events/"}


def _is_list(operation: Operation) -> bool:
    """Whether its answer holds items, in pages or all of them."""
    content = operation.described["responses"].get("200", {}).get("content", {})
    shape = resolved(content.get("application/json", {}).get("schema", {}))
    return shape.get("type") == "array" or "items" in shape.get("properties", {})


LISTS = [
    one
    for one in operations()
    if one.method == "get" and str(one) not in NO_TABLES and _is_list(one)
]


def test_walk_has_seen_the_lists():
    assert len(LISTS) > 30
    assert {"GET assets/", "GET transactions/"} <= set(map(str, LISTS))


@pytest.mark.django_db
def test_every_list_is_given_in_every_form(callers: Callers):
    for operation in LISTS:
        token = _who_sees(operation, callers)
        as_json = _asked(operation, callers, token, "application/json")
        packed = _asked(operation, callers, token, "application/msgpack")
        assert packed["Content-Type"] == "application/msgpack", operation
        assert set(msgpack.unpackb(packed.content)) == set(as_json.json()), operation
        sheet = _asked(operation, callers, token, "text/csv")
        assert sheet["Content-Type"] == CSV, operation
        assert sheet.streaming, operation
        rows = list(csv.reader(b"".join(sheet.streaming_content).decode().splitlines()))
        assert all(len(row) == len(rows[0]) for row in rows), operation
        assert len(rows) > len(as_json.json()["items"]), operation


@pytest.mark.django_db
def test_no_list_fetches_what_is_secret(callers: Callers):
    secret = {
        f'"{name}"."{column}"'
        for name, table in data_map.tables().items()
        for column in table.columns(data_map.SECRET)
    }
    seen = 0
    for operation in LISTS:
        token = _who_sees(operation, callers)
        with CaptureQueriesContext(connection) as captured:
            _asked(operation, callers, token, "application/json")
        # Other queries find out who asks: one more than the page is fetched of rows alone.
        of_rows = [one["sql"] for one in captured if f"LIMIT {LIMIT_DEFAULT + 1}" in one["sql"]]
        seen += len(of_rows)
        for sql in of_rows:
            assert not {name for name in secret if name in sql.partition(" FROM ")[0]}, operation
    assert seen > len(LISTS) / 2


def _who_sees(operation: Operation, callers: Callers) -> str:
    for who in ("owner", "superuser", "service key"):
        token = callers.tokens[who]
        if operation.ask(token, callers.things, body="").status_code == 200:
            assert token is not None
            return token
    raise AssertionError(f"nobody sees {operation}")


def _asked(operation: Operation, callers: Callers, token: str, accept: str):
    answer = operation.ask(token, callers.things, body="", Accept=accept)
    assert answer.status_code == 200, (operation, accept, answer.content)
    return answer
