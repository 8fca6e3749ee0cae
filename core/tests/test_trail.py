"""Every changed row is written down, with who changed it; what was written down stays true."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac
import json
import uuid
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from core import audit, clock, context, ids
from core.context import Context
from core.models import AuditChange, AuditEvent, AuditSeal
from core.principals import HOUSE_USER_ID, Principal
from core.privacy import data_map
from core.trail import seals, triggers
from sessions_app.models import Session
from sessions_app.services import start_session
from tests.people import Person, make_person
from transactions.tests.money import move, open_account, post

SOMEBODY = Principal(kind="user", user_id=uuid.uuid4(), session_id=uuid.uuid4())


def changes(table: str, operation: str = "update") -> list[AuditChange]:
    return list(AuditChange.objects.filter(table_name=table, operation=operation).order_by("id"))


def acting(principal: Principal | None = SOMEBODY, **facts):
    return context.entered(
        Context(request_id="request-1", principal=principal, client_address="192.0.2.7", **facts)
    )


def test_bulk_update_is_written_down_row_by_row(ada: Person, bob: Person):
    with acting(reason="A test of many."):
        User.objects.filter(pk__in=[ada.user.pk, bob.user.pk]).update(mfa_enforced=True)
    found = changes("users")
    assert {row.user_id for row in found} == {ada.user.pk, bob.user.pk}
    for row in found:
        assert (row.before, row.after) == ({"mfa_enforced": False}, {"mfa_enforced": True})
        assert (row.actor_id, row.actor_kind) == (SOMEBODY.user_id, "user")
        assert (row.session_id, row.request_id) == (SOMEBODY.session_id, "request-1")
        assert (row.client_address, row.reason) == ("192.0.2.7", "A test of many.")
        assert row.row_id == str(row.user_id)


def test_changes_within_a_millisecond_sort_as_they_were_made(ada: Person):
    flips = [{"is_staff": True}, {"is_staff": False}] * 50
    with connection.cursor() as cursor:
        cursor.execute(
            "DO $$ BEGIN FOR turn IN 1..100 LOOP UPDATE users SET is_staff = NOT is_staff"
            f" WHERE id = '{ada.user.pk}'; END LOOP; END $$"
        )
    found = changes("users")
    assert [row.after for row in found] == flips
    assert {row.id.version for row in found} == {7}
    assert len({ids.made_at(row.id) for row in found}) < len(found), "none shared a millisecond"


def test_statement_that_changes_no_row_leaves_none(ada: Person):
    before = AuditChange.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users SET name = 'x' WHERE false")
        cursor.execute("DELETE FROM api_key WHERE false")
        cursor.execute("INSERT INTO api_key SELECT * FROM api_key WHERE false")
        cursor.execute("UPDATE users SET name = name")
    assert AuditChange.objects.count() == before


def test_raw_sql_is_written_down_with_who_runs_it(ada: Person):
    with acting(), connection.cursor() as cursor:
        cursor.execute("update users set is_staff = true where id = %s", [ada.user.pk])
        cursor.execute(
            "WITH x AS (SELECT %s::uuid AS id) UPDATE users SET is_staff = false FROM x "
            "WHERE users.id = x.id",
            [ada.user.pk],
        )
    assert [row.after for row in changes("users")] == [{"is_staff": True}, {"is_staff": False}]
    assert {row.actor_id for row in changes("users")} == {SOMEBODY.user_id}


def test_a_stranger_at_the_database_is_written_down_by_role(committed_db: str, connect):
    ada = make_person("ada@example.org")
    connect("owner").execute("UPDATE users SET is_staff = true WHERE id = %s", [ada.user.pk])
    (row,) = changes("users")
    assert (row.actor_kind, row.actor_id) == ("database", HOUSE_USER_ID)
    assert row.database_role == "strongroom_owner"


def test_edit_by_api_names_the_person_their_session_and_request(ada: Person):
    session, token = start_session(user=ada.user)
    answer = Client().patch(
        "/api/v1/me/",
        json.dumps({"name": "Countess"}),
        content_type="application/json",
        headers={
            "Authorization": f"Bearer {token}",
            "If-Match": '"v1"',
            "X-Request-ID": "edit-by-api",
        },
    )
    assert answer.status_code == 200, answer.content
    (row,) = changes("users")
    assert (row.actor_id, row.session_id) == (ada.user.pk, session.pk)
    assert (row.request_id, row.actor_kind) == ("edit-by-api", "user")
    assert (row.after or {})["name"] == "[personal]"


def test_edit_by_admin_names_staff_and_their_reason(ada: Person, grace: Person):
    client = Client()
    client.force_login(grace.user)
    answer = client.post(
        "/admin/accounts/user/",
        {
            "action": "lock_out",
            "_selected_action": str(ada.user.pk),
            "confirmed": "yes",
            "reason": "Reported as stolen.",
        },
    )
    assert answer.status_code == 302
    locked = [row for row in changes("users") if "is_active" in (row.after or {})]
    assert [(row.actor_id, row.actor_kind, row.reason) for row in locked] == [
        (grace.user.pk, "staff", "Reported as stolen.")
    ]
    session = Session.objects.get(user=grace.user)
    told = AuditEvent.objects.filter(request_id=locked[0].request_id, actor_id=grace.user.pk)
    assert {locked[0].session_id, *(event.session_id for event in told)} == {session.pk}
    assert {event.data.get("reason") for event in told} == {"Reported as stolen."}


def test_staff_who_act_as_a_person_are_named_too(ada: Person):
    staff = uuid.uuid4()
    with acting(dataclasses.replace(SOMEBODY, impersonator_id=staff)):
        User.objects.filter(pk=ada.user.pk).update(is_staff=True)
    assert [row.impersonator_id for row in changes("users")] == [staff]


def test_who_acts_is_known_again_after_a_savepoint_was_undone(ada: Person):
    def fail() -> None:
        with transaction.atomic():
            User.objects.filter(pk=ada.user.pk).update(is_staff=True)
            raise ZeroDivisionError

    with acting():
        with pytest.raises(ZeroDivisionError):
            fail()
        User.objects.filter(pk=ada.user.pk).update(mfa_enforced=True)
    other = dataclasses.replace(SOMEBODY, user_id=uuid.uuid4())
    with acting(other):
        User.objects.filter(pk=ada.user.pk).update(mfa_enforced=False)
    assert [row.actor_id for row in changes("users")] == [SOMEBODY.user_id, other.user_id]


def test_who_acts_is_known_outside_a_transaction_and_forgotten_after_it(committed_db: str):
    ada = make_person("ada@example.org")
    with acting():
        User.objects.filter(pk=ada.user.pk).update(is_staff=True)
    User.objects.filter(pk=ada.user.pk).update(is_staff=False)
    first, second = changes("users")
    assert first.actor_id == SOMEBODY.user_id
    assert (second.actor_id, second.actor_kind) == (HOUSE_USER_ID, "database")


def test_nothing_personal_or_secret_is_in_the_trail(ada: Person):
    with acting():
        Session.objects.filter(user=ada.user).delete()
        _, token = start_session(user=ada.user)
        User.objects.filter(pk=ada.user.pk).update(
            name="Augusta", email="augusta@example.org", password="new-hash"
        )
        Session.objects.filter(user=ada.user).delete()
    (row,) = changes("users")
    assert row.before == {
        "name": "[personal]",
        "email": "[personal]",
        "password": "[secret]",
    }
    everything = json.dumps(list(AuditChange.objects.values_list("before", "after")))
    for word in ("Augusta", "augusta", "ada@example.org", "new-hash", "argon2", token):
        assert word not in everything
    assert [(row.before or {})["token_sha256"] for row in changes("session", "delete")] == [
        "[secret]"
    ]


def test_what_only_counts_or_says_nothing_is_not_written_down(ada: Person):
    session, _ = start_session(user=ada.user)
    Session.objects.filter(pk=session.pk).update(last_seen_at=clock.now())
    User.objects.filter(pk=ada.user.pk).update(is_staff=ada.user.is_staff)
    assert changes("session") == changes("users") == []
    assert len(changes("session", "insert")) == 1


def test_posting_costs_no_trail_for_its_entries_say_all(ada: Person):
    source, target = open_account(ada.principal, balance=10), open_account(ada.principal)
    before = AuditChange.objects.count()
    post(move(source, target, 3))
    assert AuditChange.objects.count() == before


def test_every_table_is_audited_or_says_why_not(db):
    assert triggers.missing() == []
    for name, table in data_map.tables().items():
        assert table.unaudited == "" or len(table.unaudited) > 10, name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.proname = 'audit_changes'"
        )
        audited = {name for (name,) in cursor.fetchall()}
    assert audited == {name for name, table in data_map.tables().items() if not table.unaudited}


def test_trail_refuses_change_by_the_application(committed_db: str, connect):
    make_person("ada@example.org")
    for role, state in (("app", "42501"), ("owner", "SR001")):
        for statement in (
            "UPDATE audit_change SET reason = 'x'",
            "DELETE FROM audit_change",
            "TRUNCATE audit_change",
            "UPDATE audit_seal SET rows = 2",
        ):
            if role == "owner" and "audit_seal" in statement:
                continue  # it has no row yet, and row triggers fire for rows
            with pytest.raises(psycopg.Error) as refusal:
                connect(role).execute(statement)
            assert refusal.value.sqlstate == state, (role, statement)
    with pytest.raises(psycopg.Error):
        connect("app").execute("ALTER TABLE users DISABLE TRIGGER ALL")
    assert AuditChange.objects.count() > 0


@pytest.fixture
def sealed(committed_db: str, settings, tmp_path: Path, monkeypatch) -> Path:
    """Six changed rows in two seals of each trail; yields the file outside."""
    settings.ENV = dataclasses.replace(
        settings.ENV, audit_checkpoints=str(tmp_path / "outside" / "seals.jsonl")
    )
    monkeypatch.setattr(seals, "MARGIN_S", 0)
    # The other worker's test may be one long transaction.
    monkeypatch.setattr(seals, "WAIT_S", 600)
    monkeypatch.setattr(seals, "ROWS_IN_SEAL_MAX", 3)
    ada = make_person("ada@example.org")
    for number in range(6):
        User.objects.filter(pk=ada.user.pk).update(session_epoch=number + 1)
    later = clock.now() + dt.timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert seals.seal_trails() > 6
    assert seals.seal_trails() == 0
    report = seals.verify_trails()
    assert report.faults == []
    assert report.rows > 6
    return tmp_path / "outside" / "seals.jsonl"


def ids_in_order(tamper: psycopg.Connection) -> list[uuid.UUID]:
    return [row[0] for row in tamper.execute("SELECT id FROM audit_change ORDER BY id").fetchall()]


def edit(tamper: psycopg.Connection) -> None:
    tamper.execute(
        "UPDATE audit_change SET reason = 'innocent' WHERE id = %s", [ids_in_order(tamper)[2]]
    )


def delete(tamper: psycopg.Connection) -> None:
    tamper.execute("DELETE FROM audit_change WHERE id = %s", [ids_in_order(tamper)[2]])


def insert(tamper: psycopg.Connection) -> None:
    before = ids_in_order(tamper)[2]
    tamper.execute(
        "CREATE TEMPORARY TABLE forged AS SELECT * FROM audit_change WHERE id = %s", [before]
    )
    tamper.execute("UPDATE forged SET id = %s", [uuid.UUID(int=before.int + 1)])
    tamper.execute("INSERT INTO audit_change SELECT * FROM forged")


def reorder(tamper: psycopg.Connection) -> None:
    """Swap two rows: each gets the other's id."""
    first, second = ids_in_order(tamper)[1:3]
    for old, new in ((first, uuid.UUID(int=first.int + 1)), (second, first)):
        tamper.execute("UPDATE audit_change SET id = %s WHERE id = %s", [new, old])
    tamper.execute(
        "UPDATE audit_change SET id = %s WHERE id = %s", [second, uuid.UUID(int=first.int + 1)]
    )


def cut_off_the_end(tamper: psycopg.Connection) -> None:
    """Remove the newest seal and its rows, and nothing else."""
    ((number, members),) = tamper.execute(
        "SELECT number, members FROM audit_seal WHERE trail = 'audit_change' "
        "ORDER BY number DESC LIMIT 1"
    ).fetchall()
    gone = [uuid.UUID(bytes=members[at : at + 16]) for at in range(0, len(members), 48)]
    tamper.execute("DELETE FROM audit_change WHERE id = ANY (%s)", [gone])
    tamper.execute("DELETE FROM audit_seal WHERE trail = 'audit_change' AND number = %s", [number])


def chain_again_without_the_key(tamper: psycopg.Connection) -> None:
    """Alter a row, and write the digests and MACs of its seal to match, with a key of one's own."""
    edit(tamper)
    trail = "audit_change"
    previous = b""
    for seal in AuditSeal.objects.filter(trail=trail).order_by("number"):
        own = [
            uuid.UUID(bytes=bytes(seal.members)[at : at + 16])
            for at in range(0, len(seal.members), 48)
        ]
        rows = tamper.execute(
            seals._digest_statement(trail, "id = ANY (%s) ORDER BY id"), [own]
        ).fetchall()
        members = b"".join(row_id.bytes + bytes(digest) for row_id, digest in rows)
        message = trail.encode() + seal.number.to_bytes(8) + previous + members
        previous = hmac.digest(b"a key of one's own", message, "sha256")
        tamper.execute(
            "UPDATE audit_seal SET members = %s, mac = %s WHERE id = %s",
            [members, previous, seal.pk],
        )


@pytest.mark.parametrize(
    ("attack", "what"),
    [
        (edit, "the row was altered"),
        (delete, "the row is gone"),
        (insert, "the row was put in later"),
        (reorder, "the row was altered"),
        (cut_off_the_end, "the seal is in the file outside and not in the database"),
        (chain_again_without_the_key, "the seal is not one of ours in this place"),
    ],
)
def test_what_a_superuser_does_to_the_trail_is_found(sealed, connect, capsys, attack, what):
    tamper = connect("superuser")
    tamper.execute("SET session_replication_role = replica")
    attack(tamper)
    found = {fault.what for fault in seals.verify_trails().faults}
    assert what in found
    with pytest.raises(CommandError, match="faults"):
        call_command("audit_verify")
    assert what in capsys.readouterr().out


def test_restore_leaves_seals_behind_and_the_end_cut_off_afterwards_is_found(
    sealed, connect, monkeypatch
):
    tamper = connect("superuser")
    tamper.execute("SET session_replication_role = replica")
    cut_off_the_end(tamper)
    assert seals.verify_trails().faults
    assert seals.verify_trails(is_restored=True).faults == []
    seals.note_restored()
    assert seals.verify_trails().faults == []
    # History goes on, under numbers that the file knows of others.
    User.objects.update(session_epoch=99)
    later = clock.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert seals.seal_trails() > 0
    assert seals.verify_trails().faults == []
    cut_off_the_end(tamper)
    (fault,) = seals.verify_trails().faults
    assert fault.what == "the seal is in the file outside and not in the database"


def test_whole_trail_verifies_by_command(sealed, capsys):
    call_command("audit_verify", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["faults"] == report["without_triggers"] == []
    assert report["rows"] > 6


def test_switched_off_trigger_is_found(sealed, connect):
    connect("superuser").execute("ALTER TABLE users DISABLE TRIGGER users_audit_update")
    with pytest.raises(CommandError):
        call_command("audit_verify")
    assert triggers.missing() == ["users"]


def test_rows_of_a_running_transaction_wait(sealed, connect, monkeypatch):
    with connect("owner").transaction() as running, monkeypatch.context() as impatient:
        impatient.setattr(seals, "WAIT_S", 0.2)
        running.connection.execute("SELECT pg_current_xact_id()")
        User.objects.filter(email="ada@example.org").update(session_epoch=99)
        assert seals.seal_trails() == 0
    later = clock.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert seals.seal_trails() == 1


def test_file_outside_names_every_seal(sealed):
    lines = [json.loads(line) for line in sealed.read_text().splitlines()]
    assert len(lines) == AuditSeal.objects.count() > 2
    sealed.write_text(sealed.read_text().replace(lines[0]["mac"], "00" * 32))
    whats = {fault.what for fault in seals.verify_trails().faults}
    assert whats == {"the seal is not the one in the file outside"}
    sealed.unlink()
    whats = {fault.what for fault in seals.verify_trails().faults}
    assert whats == {"the seal is not in the file outside"}


def test_trail_is_searched_by_person_row_and_request(ada: Person, grace: Person):
    with acting():
        User.objects.filter(pk=ada.user.pk).update(is_active=False)
    client = Client()
    client.force_login(make_person("root@example.org", is_superuser=True).user)
    page = ""
    for words in (str(ada.user.pk), "request-1", str(SOMEBODY.user_id)):
        page = client.get("/admin/core/auditchange/", {"q": words}).content.decode()
        assert str(ada.user.pk) in page.split('id="result_list"')[1], words
    # To the second, in words, with the way to who it was.
    (row,) = changes("users")
    assert f"{row.recorded_at:%Y-%m-%d %H:%M:%S}" in page
    assert f'<a href="/admin/accounts/user/{SOMEBODY.user_id}/change/">' in page
    detail = client.get(f"/admin/core/auditchange/{row.pk}/change/").content.decode()
    assert f'<a href="/admin/accounts/user/{ada.user.pk}/change/">' in detail
    nothing = client.get("/admin/core/auditchange/", {"q": "request-2"}).content.decode()
    assert 'id="result_list"' not in nothing


def test_own_trail_shows_ones_own_and_hides_who_among_staff(
    ada: Person, bob: Person, grace: Person
):
    _, token = start_session(user=ada.user)
    for person in (ada, bob):
        audit.record(
            action="account.help",
            actor=grace.principal,
            user_id=person.user.pk,
            target_type="user",
            target_id=person.user.pk,
            reason="Confidential words of staff.",
        )
    answer = Client().get("/api/v1/me/audit/", headers={"Authorization": f"Bearer {token}"})
    items = answer.json()["items"]
    assert {"account.help"} <= {item["action"] for item in items}
    (helped,) = [item for item in items if item["action"] == "account.help"]
    assert helped["by"] == "staff"
    text = answer.content.decode()
    for hidden in (str(grace.user.pk), str(bob.user.pk), "Confidential"):
        assert hidden not in text
