"""Importing people: with their hashes, each whole or not at all, as often as one likes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import errors, services
from accounts.models import ImportedRow, PasswordBefore, PeopleImport, User
from accounts.services import NewPerson
from core import outbox
from core.errors import PermissionRefused
from core.models import AuditEvent, OutboxEvent
from core.principals import SYSTEM
from sessions_app.services import start_session
from tests.endpoints import operations
from tests.people import Person

pytestmark = pytest.mark.django_db
SSHA = "{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3"
FIREBASE = (
    "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmd"
    "ZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/"
    "sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
)
FILE = [
    NewPerson(email="Eve@Example.org", name="Eve", email_verified=True, password_hash=SSHA),
    NewPerson(email="no address"),
    NewPerson(email="carol@example.org", password_hash="secret"),
    NewPerson(email="eve@example.org", name="Twin"),
    NewPerson(email="dan@example.org", email_verified=True, password_hash=FIREBASE),
    NewPerson(email="frank@example.org"),
]
EXPECTED = ["created", "refused", "refused", "known", "created", "created"]


def outcomes(rows: Any) -> list[str]:
    return [row.outcome for row in rows]


def test_imported_person_logs_in_with_the_old_password_and_gets_our_hash():
    assert outcomes(services.import_people_now(people=FILE, actor=SYSTEM)) == EXPECTED
    for email, password in (("eve@example.org", "secret"), ("dan@example.org", "user1password")):
        with pytest.raises(errors.LoginRefused):
            services.verify_login(email=email, password=password + "!")
        user = services.verify_login(email=email, password=password)
        user.refresh_from_db()
        assert user.password.startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$")
        assert services.verify_login(email=email, password=password) == user


def test_row_makes_a_person_with_everything_that_belongs_to_one():
    first, *_ = services.import_people_now(people=FILE[:1], actor=SYSTEM)
    user = User.objects.get(pk=first.person_id)
    assert (user.email, user.name) == ("Eve@example.org", "Eve")
    assert user.email_verified_at is not None
    assert AuditEvent.objects.filter(action="account.create", target_id=str(user.pk)).exists()
    assert OutboxEvent.objects.filter(topic="account.created", object_id=user.pk).exists()


def test_same_file_again_changes_nothing():
    list(services.import_people_now(people=FILE, actor=SYSTEM))
    before = list(User.objects.order_by("pk").values())
    again = outcomes(services.import_people_now(people=FILE, actor=SYSTEM))
    assert again == [outcome.replace("created", "known") for outcome in EXPECTED]
    assert list(User.objects.order_by("pk").values()) == before


def test_dry_run_says_the_same_and_writes_nothing():
    assert outcomes(services.check_people(people=FILE, actor=SYSTEM)) == EXPECTED
    assert not User.objects.people().exists()
    assert not AuditEvent.objects.exists()


def test_row_that_fails_half_way_leaves_nothing(monkeypatch):
    def broken(**_facts: Any) -> None:
        raise RuntimeError("the last step")

    monkeypatch.setattr(outbox, "announce", broken)
    with pytest.raises(RuntimeError):
        list(services.import_people_now(people=FILE[:1], actor=SYSTEM))
    assert not User.objects.people().exists()
    assert not AuditEvent.objects.exists()


def test_plain_password_is_refused_and_nowhere_in_the_report():
    (row,) = services.import_people_now(people=[FILE[2]], actor=SYSTEM)
    assert (row.outcome, row.code) == ("refused", "ACCOUNT_HASH_UNKNOWN")
    assert "secret" not in str(row)
    assert not User.objects.people().exists()


def test_worker_imports_once_and_forgets_the_rows(grace: Person):
    started = services.start_people_import(people=FILE, actor=grace.principal)
    with connection.cursor() as cursor:
        cursor.execute("SELECT encode(rows_sealed, 'escape') FROM people_import")
        assert "example.org" not in str(cursor.fetchall())
    services.run_people_import(import_id=str(started.pk))
    services.run_people_import(import_id=str(started.pk))
    started.refresh_from_db()
    assert started.finished_at is not None
    assert started.rows_sealed is None
    assert outcomes(ImportedRow.objects.order_by("number")) == EXPECTED
    made = AuditEvent.objects.filter(action="account.create")
    assert {event.actor_id for event in made} == {grace.user.pk}


def test_worker_goes_on_where_it_was_interrupted(grace: Person, monkeypatch):
    started = services.start_people_import(people=FILE, actor=grace.principal)
    whole = services.people_imports._imported

    def interrupted(number: int, *args: Any, **facts: Any) -> Any:
        if number == 5:
            raise errors.HashingBusy("later")
        return whole(number, *args, **facts)

    monkeypatch.setattr(services.people_imports, "_imported", interrupted)
    with pytest.raises(errors.HashingBusy):
        services.run_people_import(import_id=str(started.pk))
    monkeypatch.undo()
    services.run_people_import(import_id=str(started.pk))
    assert outcomes(ImportedRow.objects.order_by("number")) == EXPECTED


def test_only_those_who_may_add_people_import(ada: Person):
    for verb in (services.check_people, services.start_people_import, services.import_people_now):
        with pytest.raises(PermissionRefused):
            verb(people=FILE, actor=ada.principal)
    assert not PeopleImport.objects.exists()


def test_old_foreign_hash_is_remembered_when_it_is_replaced(ada: Person):
    User.objects.filter(pk=ada.user.pk).update(password=f"foreign${FIREBASE}")
    ada.user.refresh_from_db()
    services.passwords.remember_password(user=ada.user)
    assert PasswordBefore.objects.get(user=ada.user).password.endswith(FIREBASE)


@pytest.fixture
def ask(grace: Person):
    """Ask an operation as Grace."""
    token = start_session(user=grace.user)[1]
    known = {str(operation): operation for operation in operations()}

    def asked(name: str, body: Any = None, **values: object):
        return known[name].ask(token, values, body)

    return asked


def _body(**more: Any) -> dict[str, Any]:
    rows = [{"email": "eve@example.org", "password_hash": SSHA}, {"email": "no address"}]
    return {"rows": rows, **more}


def test_staff_import_over_the_api_and_follow_it(ask):
    checked = ask("POST users/import/", _body(dry_run=True))
    assert checked.status_code == 200
    assert [row["outcome"] for row in checked.json()["rows"]] == ["created", "refused"]
    assert not User.objects.filter(email_normalized="eve@example.org").exists()
    started = ask("POST users/import/", _body())
    assert started.status_code == 202
    identifier = started.json()["id"]
    assert started["Location"] == f"/api/v1/imports/{identifier}/"
    assert ask("GET imports/<uuid:import_id>/", import_id=identifier).json()["finished_at"] is None
    services.run_people_import(import_id=identifier)
    report = ask("GET imports/<uuid:import_id>/", import_id=identifier).json()
    assert (report["created"], report["known"], report["refused"]) == (1, 0, 1)
    assert [row["code"] for row in report["items"]] == ["", "ACCOUNT_EMAIL_INVALID"]


def test_ten_thousand_rows_fit_and_one_more_does_not(ask):
    row = {"email": "x" * 60 + "@example.org", "password_hash": FIREBASE}
    fitting = ask("POST users/import/", {"dry_run": True, "rows": [row] * 10_000})
    assert (fitting.status_code, fitting.json()["known"]) == (200, 9_999)
    assert ask("POST users/import/", {"rows": [row] * 10_001}).status_code == 400
    assert not PeopleImport.objects.exists()


@pytest.mark.parametrize(
    "change", [{"password": "secret"}, {"email_verified": "yes"}, {"email": None}, {"name": "\n"}]
)
def test_malformed_row_is_named_and_nothing_is_imported(ask, change: dict[str, Any]):
    answer = ask("POST users/import/", {"rows": [{"email": "a@example.org"}, _row(change)]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("#/rows/1/")
    assert not PeopleImport.objects.exists()


def _row(change: dict[str, Any]) -> dict[str, Any]:
    return {"email": "b@example.org", **change}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_command_reads_both_forms_and_reports_each_row(tmp_path: Path, capsys, suffix: str):
    rows = [
        {"email": "eve@example.org", "email_verified": "true", "password_hash": SSHA},
        {"email": "no address", "email_verified": "", "password_hash": ""},
    ]
    file = tmp_path / f"people{suffix}"
    with file.open("w") as lines:
        if suffix == ".csv":
            table = csv.DictWriter(lines, fieldnames=list(rows[0]))
            table.writeheader()
            table.writerows(rows)
        else:
            lines.writelines(json.dumps(row) + "\n" for row in rows)
    call_command("people_import", str(file), "--dry-run")
    assert "1 created, 0 known, 1 refused (nothing" in capsys.readouterr().err
    assert not User.objects.people().exists()
    call_command("people_import", str(file))
    report = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["outcome"] for row in report] == ["created", "refused"]
    assert services.verify_login(email="eve@example.org", password="secret").email_verified_at


@pytest.mark.parametrize("line", ['{"email": "a@b.org", "password": "x"}', "[]", "{", "{}"])
def test_command_refuses_a_file_it_does_not_understand(tmp_path: Path, line: str):
    file = tmp_path / "people.jsonl"
    file.write_text(line)
    with pytest.raises(CommandError):
        call_command("people_import", str(file))
    assert not User.objects.people().exists()
