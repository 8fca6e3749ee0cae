"""Who may do what: every operation and every admin page against the table in docs/role-matrix.md.

A new path needs a row. ``make role-matrix`` writes the table again; read its diff as you would read
the code that opened a door.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests import endpoints
from tests.callers import STAFF, Callers
from tests.endpoints import Operation
from tests.people import make_person

pytestmark = pytest.mark.django_db
TABLE = Path(__file__).parent.parent / "docs" / "role-matrix.md"
REFUSALS = {401: "401", 403: "403", 404: "404"}
ABOUT = """\
# Who may do what

<!-- Written by `make role-matrix` and checked by tests/test_role_matrix.py. -->

Each cell is how the service answers that caller: `in` lets them in (whatever else may be wrong with
the request), `401` asks who they are or for a fresh login, `403` knows and refuses, `404` keeps
secret that it exists. What a path names belongs to the *owner*; the *stranger* is another person.
The *key* is one of the owner's with every scope they can give; the *service key* belongs to the
house and has every scope there is. A *guest* has a session and no account; the *impersonator* is an
admin who acts as the owner.

## API
"""
ADMIN = """
## Staff admin

Which roles see the page; all pages are read-only, and their buttons ask for permissions of their
own.
"""


def _verdict(operation: Operation, who: str, callers: Callers) -> str:
    with transaction.atomic():
        answer = operation.ask(
            callers.tokens[who], callers.things, callers.bodies.get(str(operation))
        )
        # The next caller finds everything as this one did.
        transaction.set_rollback(True)
    assert answer.status_code < 500, (str(operation), who, answer.content)
    return REFUSALS.get(answer.status_code, "in")


def _table(corner: str, columns: list[str], rows: dict[str, list[str]]) -> str:
    lines = [
        f"| {' | '.join([corner, *columns])} |",
        f"|{'---|' * (len(columns) + 1)}",
        *(f"| {' | '.join([name, *cells])} |" for name, cells in rows.items()),
    ]
    return "\n".join(["", *lines, ""])


def _api(callers: Callers) -> str:
    columns = list(callers.tokens)
    rows = {
        f"`{operation}`": [_verdict(operation, who, callers) for who in columns]
        for operation in endpoints.operations()
    }
    return _table("operation", columns, rows)


def _admin_pages() -> dict[str, str]:
    pages = {
        f"{model._meta.app_label}/{model._meta.model_name}": reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        )
        for model in admin.site._registry
    }
    return dict(
        sorted({**pages, "new key for a service": reverse("admin:accounts_apikey_service")}.items())
    )


def _admin() -> str:
    pages = _admin_pages()
    rows: dict[str, list[str]] = {f"`{name}`": [] for name in pages}
    for role in STAFF:
        client = Client()
        person = make_person(
            f"{role}@admin.example",
            role=None if role == "superuser" else role,
            is_superuser=role == "superuser",
        )
        client.force_login(person.user)
        for name, url in pages.items():
            status = client.get(url).status_code
            assert status in (200, 403), (name, role, status)
            rows[f"`{name}`"].append("sees" if status == 200 else "403")
    return _table("page", list(STAFF), rows)


def test_every_caller_is_answered_as_the_table_says(callers: Callers):
    written = "".join([ABOUT, _api(callers), ADMIN, _admin()])
    if os.environ.get("WRITE_ROLE_MATRIX"):
        TABLE.write_text(written, encoding="utf-8")
    expected = TABLE.read_text(encoding="utf-8").splitlines()
    assert written.splitlines() == expected
