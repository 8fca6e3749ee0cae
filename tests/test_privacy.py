"""People get all of their data and nobody else's, and are erased for good."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import json
import re
import subprocess
import uuid
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts import services as accounts
from accounts.constants import ACCOUNT_READ
from accounts.models import Challenge, ImportedRow, PeopleImport, User
from core import cache, clock, context, crypto
from core.errors import PermissionRefused, StepUpRequired
from core.files import storage
from core.models import (
    AuditEvent,
    DataExport,
    DeletionRequest,
    IdempotencyKey,
    PersonalKey,
    StoredFile,
)
from core.principals import SYSTEM
from core.privacy import (
    contents,
    data_map,
    deletion,
    erasure,
    exports,
    holds,
    journal,
    sealed_files,
)
from core.privacy.data_map import DELETE
from core.privacy.errors import (
    DeletionAsked,
    DeletionNotAsked,
    ErasureHeld,
    ExportRunning,
    JournalBroken,
)
from core.privacy.rows import rows_of
from sessions_app.models import ConsentRecord, Session
from sessions_app.services import (
    prune_sessions,
    purge_cookies,
    start_impersonation,
    start_session,
)
from sessions_app.tests.cookies import agree, filled_jar
from tests import services
from tests.database import url_of
from tests.filled import fill
from tests.mailbox import mails_to, run_jobs
from tests.people import Person, make_person
from transactions.models import LedgerAccount
from transactions.tests.money import move, open_account, post
from transactions.verification import invariants

EMAIL = "ada.lovelace@analytical.example"
WORDS = {
    "email": EMAIL,
    "username": "countess",
    "name": "Augusta Ada King",
    "public_metadata": {"motto": "weaves-algebraic-patterns"},
    "private_metadata": {"note": "pays-by-bank-draft"},
}
LABELS = ("bernoulli-numbers-key", "engine-jar", "difference-engine-account")
ORIGINALS = (
    *("ada.lovelace@analytical.example", "countess", "Augusta Ada King", "weaves-algebraic"),
    *("pays-by-bank-draft", *LABELS, "198.51.100.77", "Babbage-Browser"),
)


@pytest.fixture(autouse=True)
def folders(settings, tmp_path: Path):
    """Files of this test alone."""
    settings.ENV = dataclasses.replace(
        settings.ENV,
        export_folder=str(tmp_path / "exports"),
        upload_folder=str(tmp_path / "uploads"),
        erasure_journal=str(tmp_path / "journal" / "erasures.jsonl"),
    )


@pytest.fixture
def held_clock(monkeypatch):
    """Hold the clock; calling it moves it forward."""
    held = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: held[0])

    def advance(**by: int) -> None:
        held[0] += dt.timedelta(**by)

    return advance


@pytest.fixture
def by_grace_page(grace: Person):
    """The page of legal holds, as a member of staff uses it."""
    client = Client()
    client.force_login(grace.user)

    class Page:
        def post(self, path: str, data: dict[str, str]):
            return client.post(f"/admin/core/legalhold/{path}", data)

    return Page()


@pytest.fixture
def countess(ada: Person, fresh) -> Person:
    """Ada, with words of hers in every place that takes some."""
    return described(ada, fresh(ada))


def described(person: Person, principal) -> Person:
    """Put words that nobody else uses wherever a person's words may be."""
    User.objects.filter(pk=person.user.pk).update(
        **WORDS, email_normalized=WORDS["email"], username_normalized="countess"
    )
    fill(person, 1)
    accounts.create_api_key(name=LABELS[0], scope_names=[ACCOUNT_READ], actor=principal)
    LedgerAccount.objects.filter(user=person.user).update(name=LABELS[2], metadata={"a": LABELS[2]})
    session, _ = start_session(user=person.user)
    type(session).objects.filter(pk=session.pk).update(
        client_address="198.51.100.77", user_agent="Babbage-Browser"
    )
    filled_jar(person.principal, LABELS[1])
    agree(user_id=person.user.pk)
    person.user.refresh_from_db()
    return person


def also_there(person: Person, principal) -> None:
    """Give somebody else a little of everything."""
    accounts.create_api_key(name="of another", scope_names=[ACCOUNT_READ], actor=principal)
    start_session(user=person.user)
    filled_jar(person.principal)
    agree(user_id=person.user.pk)
    source = open_account(person.principal, balance=100)
    post(move(source, open_account(person.principal), 7))


def test_every_column_is_classified_and_none_twice():
    assert data_map.faults() == []


def test_new_column_without_a_class_is_named(monkeypatch):
    table = dataclasses.replace(data_map.table("users"), personal="email")
    monkeypatch.setitem(data_map._tables, "users", table)
    assert "users.name: not classified" in data_map.faults()
    monkeypatch.delitem(data_map._tables, "session")
    assert "session: not in the data map" in data_map.faults()


def test_every_table_with_a_user_id_says_whose_its_rows_are():
    for model in data_map.all_models():
        if "user_id" in data_map.columns_of(model):
            assert data_map.table(model._meta.db_table).whose, model


def test_who_else_did_something_is_kept_out_of_copies_or_said_to_be_a_doer():
    """A column that by its name holds the id of somebody else."""
    for model, table in data_map.mapped_models():
        name = model._meta.db_table
        named = {
            column
            for column in data_map.columns_of(model)
            if re.search(r"(^|_)(actor_id|impersonator_id|by|by_id|user_id|person_id)$", column)
        }
        named -= {"user_id", table.whose, "replaced_by_id"}
        if table.whose:
            assert named <= set(f"{table.doers} {table.withheld}".split()), name


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def exported(person: Person, fresh) -> dict[str, bytes]:
    row = exports.ask_for_export(actor=fresh(person))
    run_jobs()
    row.refresh_from_db()
    link = exports.link_of(row)
    assert link is not None
    client = Client(headers={"Authorization": f"Bearer {start_session(user=person.user)[1]}"})
    answer = client.get(link)
    assert answer.status_code == 200, answer.content
    return unpacked(answer.getvalue())


def watched_by_staff(person: Person, grace: Person, principal) -> tuple[str, ...]:
    """Let Grace do something to a person's account; return what of her no copy may tell."""
    address, browser, words = "203.0.113.200", "Grace-Browser", "Confidential words of staff."
    running = context.Context(
        request_id="g", principal=principal, client_address=address, reason=words
    )
    with context.entered(running):
        start_impersonation(user_id=person.user.pk, reason=words, actor=principal)
        hold = holds.place_hold(user_id=person.user.pk, reason=words, actor=principal)
        holds.end_hold(hold_id=hold.pk, reason=words, actor=principal)
    acted = Session.objects.filter(impersonator_id=grace.user.pk)
    assert acted.update(client_address=address, user_agent=browser) == 1
    # Pruned by the service, whose trail then says what the row was.
    acted.delete()
    start_impersonation(user_id=person.user.pk, reason=words, actor=principal)
    assert acted.update(client_address=address, user_agent=browser) == 1
    return str(grace.user.pk), address, browser, words


def test_export_holds_all_rows_of_the_subject_and_none_of_anothers(countess, bob, grace, fresh):
    also_there(bob, fresh(bob))
    of_staff = watched_by_staff(countess, grace, fresh(grace))
    files = exported(countess, fresh)
    described_by = json.loads(files["schema.json"])
    seen = 0
    for model in data_map.all_models():
        name = model._meta.db_table
        if not data_map.table(name).whose:
            assert f"{name}.json" not in files
            continue
        rows = json.loads(files[f"{name}.json"])
        jsonschema.validate(rows, described_by[name]["rows"])
        sheet = list(csv.DictReader(io.StringIO(files[f"{name}.csv"].decode())))
        # The trail has grown by the fetching itself.
        now = rows_of(model, data_map.table(name), countess.user.pk).count()
        grown = name in (
            *("audit_event", "audit_change", "outbox_event"),
            *("session", "procrastinate_jobs"),
        )
        assert len(rows) == len(sheet)
        assert len(rows) <= now if grown else len(rows) == now, name
        column = data_map.table(name).whose
        if not data_map.table(name).through:
            assert {row[column] for row in rows} <= {str(countess.user.pk)}, name
        seen += len(rows)
    assert seen > 50
    everything = b"".join(files.values()).decode()
    assert bob.user.email not in everything
    assert str(bob.user.pk) not in everything
    assert [word for word in of_staff if word in everything] == []
    assert {row["action"] for row in json.loads(files["audit_event.json"])} >= {
        "session.impersonate",
        "legal_hold.place",
    }
    for word in ORIGINALS:
        assert word in everything, word


def test_export_shows_no_secret(countess, fresh):
    files = exported(countess, fresh)
    for name, table in data_map.tables().items():
        if table.whose:
            rows = json.loads(files[f"{name}.json"])
            assert not any(set(row) & set(table.columns("secret")) for row in rows), name
    assert countess.user.password.encode() not in b"".join(files.values())


def test_export_brings_the_files_themselves(ada, fresh):
    stored_as = "a" * 32
    storage.path_of(stored_as).write_bytes(b"a receipt")
    file = StoredFile.objects.create(
        user_id=ada.user.pk,
        name="r.txt",
        media_type="text/plain",
        size_bytes=9,
        stored_as=stored_as,
    )
    assert exported(ada, fresh)[f"files/{file.pk}"] == b"a receipt"


def test_cells_that_a_spreadsheet_would_run_are_defused(ada, fresh):
    User.objects.filter(pk=ada.user.pk).update(name="=HYPERLINK(1)")
    files = exported(ada, fresh)
    assert b"'=HYPERLINK(1)" in files["users.csv"]
    assert json.loads(files["users.json"])[0]["name"] == "=HYPERLINK(1)"


def test_export_lies_sealed_and_a_changed_byte_is_found(ada, fresh):
    row = exports.ask_for_export(actor=fresh(ada))
    run_jobs()
    row.refresh_from_db()
    path = sealed_files.path_of(row.stored_as)
    content = bytearray(path.read_bytes())
    assert ada.user.email.encode() not in content
    assert not zipfile.is_zipfile(path)
    key = sealed_files.key_for(user_id=ada.user.pk, name=str(row.pk))
    for broken in (content[:-1], content[:50], content[:-1] + bytes([content[-1] ^ 1])):
        path.write_bytes(broken)
        with pytest.raises(crypto.SealBroken):
            list(sealed_files.opened(row.stored_as, key))


def test_sealed_file_of_many_pieces_is_whole_or_refused(ada, monkeypatch):
    monkeypatch.setattr(sealed_files, "PIECE_BYTES", 16)
    key = sealed_files.key_for(user_id=ada.user.pk, name="x")
    content = bytes(range(100))
    with sealed_files.path_of("x").open("wb") as file:
        writer = sealed_files.SealedWriter(file, key)
        writer.write(content[:50])
        writer.write(content[50:])
        writer.close()
    assert b"".join(sealed_files.opened("x", key)) == content
    sealed = sealed_files.path_of("x").read_bytes()
    sealed_files.path_of("x").write_bytes(sealed[: 32 * 3])
    with pytest.raises(crypto.SealBroken):
        list(sealed_files.opened("x", key))
    sealed_files.path_of("x").write_bytes(sealed[32:64] + sealed[:32] + sealed[64:])
    with pytest.raises(crypto.SealBroken):
        list(sealed_files.opened("x", key))


def test_link_is_dead_after_a_day_and_its_file_gone(ada, fresh, held_clock):
    row = exports.ask_for_export(actor=fresh(ada))
    run_jobs()
    row.refresh_from_db()
    link = exports.link_of(row) or ""
    held_clock(hours=25)
    client = Client(headers={"Authorization": f"Bearer {start_session(user=ada.user)[1]}"})
    assert client.get(link).status_code == 404
    assert exports.link_of(row) is None
    assert exports.remove_expired() == 1
    assert not sealed_files.path_of(row.stored_as).exists()
    assert not DataExport.objects.exists()


def test_one_copy_at_a_time_and_only_with_a_fresh_login(ada, fresh):
    client = Client(headers={"Authorization": f"Bearer {start_session(user=ada.user)[1]}"})
    answer = client.post("/api/v1/me/export/")
    assert answer.status_code == 202
    assert client.get(answer["Location"]).json()["state"] == "queued"
    assert client.post("/api/v1/me/export/").status_code == 409
    with pytest.raises(ExportRunning):
        exports.ask_for_export(actor=fresh(ada))
    stale = dataclasses.replace(
        ada.principal, authenticated_at=clock.now() - dt.timedelta(minutes=6)
    )
    with pytest.raises(StepUpRequired):
        exports.ask_for_export(actor=stale)
    run_jobs()
    assert client.get(answer["Location"]).json()["state"] == "done"
    assert "copy of your data is ready" in mails_to(ada.user.email)[-1].subject


def test_staff_who_act_as_a_person_get_no_copy(ada, grace, fresh):
    acting = dataclasses.replace(fresh(ada), impersonator_id=grace.user.pk)
    with pytest.raises(PermissionRefused):
        exports.ask_for_export(actor=acting)
    assert not DataExport.objects.exists()


def test_export_that_fails_leaves_no_file_and_can_be_asked_again(ada, fresh, monkeypatch):
    row = exports.ask_for_export(actor=fresh(ada))
    monkeypatch.setattr(contents, "schema", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        exports.make_data_export(export_id=str(row.pk), user_id=str(row.user_id))
    row.refresh_from_db()
    assert row.state == "failed"
    assert list(sealed_files.path_of("x").parent.iterdir()) == []
    monkeypatch.undo()


def test_operator_writes_a_copy_by_hand(countess, tmp_path, capsys, monkeypatch):
    target = tmp_path / "ada.zip"
    call_command("user_export", str(countess.user.pk), to=target, reason="Asked by letter.")
    assert "rows" in capsys.readouterr().out
    assert target.stat().st_mode & 0o077 == 0
    assert json.loads(unpacked(target.read_bytes())["users.json"])[0]["email"] == WORDS["email"]
    assert AuditEvent.objects.filter(action="account.export", user_id=countess.user.pk).exists()
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("user_export", str(countess.user.pk), to=target, reason="Again.")
    with pytest.raises(CommandError, match="no such person"):
        call_command("user_export", str(uuid.uuid4()), to=tmp_path / "b", reason="Nobody.")
    monkeypatch.setattr(contents, "schema", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call_command("user_export", str(countess.user.pk), to=tmp_path / "b", reason="Half.")
    assert not (tmp_path / "b").exists()


def test_attack_37_export_of_another_and_what_is_left_of_an_erased_person(
    countess, bob, fresh, django_capture_on_commit_callbacks
):
    row = exports.ask_for_export(actor=fresh(countess))
    run_jobs()
    row.refresh_from_db()
    link = exports.link_of(row)
    assert link is not None
    mine = Client(headers={"Authorization": f"Bearer {start_session(user=countess.user)[1]}"})
    theirs = Client(headers={"Authorization": f"Bearer {start_session(user=bob.user)[1]}"})
    refused = [
        theirs.get(link),
        theirs.get(f"/api/v1/me/export/{row.pk}/"),
        mine.get(link[:-1] + ("0" if link[-1] != "0" else "1")),
        mine.get(link.replace("expires=1", "expires=2")),
        mine.get(link.split("&")[0]),
    ]
    assert {answer.status_code for answer in refused} == {404}
    assert Client().get(link).status_code == 401
    assert mine.get(link).status_code == 200
    lies_at = sealed_files.path_of(row.stored_as)
    assert lies_at.exists()

    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_user(user_id=countess.user.pk, reason="Asked by letter.")
    assert not lies_at.exists()
    assert personal_left(countess.user.pk) == []
    assert mine.get(link).status_code == 401
    assert_books_whole()


def assert_books_whole() -> None:
    """Nothing is wrong with the ledger."""
    assert [finding for finding in invariants.verify() if finding.faults] == []


def personal_left(user_id: uuid.UUID) -> list[str]:
    """Return every column that still says something of a person and should not."""
    left = []
    for model, table in data_map.mapped_models():
        if not table.whose:
            continue
        rows = rows_of(model, table, user_id)
        name = model._meta.db_table
        if table.erasure == DELETE and rows.exists():
            left.append(name)
        for column in table.emptied():
            field = data_map.field_of(model, column)
            replaced = table.replaced.get(column)
            for value in rows.values_list(field.attname, flat=True):
                expected = replaced and replaced.replace("{id}", "")
                if value in ("", None, {}) or (expected and expected in str(value)):
                    continue
                left.append(f"{name}.{column} = {value!r}")
    return left


def in_valkey() -> bytes:
    """Return all that Valkey holds, names and values."""
    # The client of this process: each has a database of Valkey's of its own.
    valkey: Any = cache.SERVER.client()
    names = list(valkey.scan_iter())
    assert names
    held = [valkey.get(n) if valkey.type(n) == b"string" else valkey.dump(n) for n in names]
    return b"\n".join([*names, *filter(None, held)])


def test_erasing_ends_sessions_keys_and_cookies(
    countess, fresh, django_capture_on_commit_callbacks
):
    user = countess.user
    _, token = start_session(user=user)
    _, key = accounts.create_api_key(name="k", scope_names=[ACCOUNT_READ], actor=fresh(countess))
    for secret in (token, key):
        client = Client(headers={"Authorization": f"Bearer {secret}"})
        assert client.get("/api/v1/me/").status_code == 200
    consents = ConsentRecord.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_user(user_id=user.pk, reason="Asked by letter.")
    for secret in (token, key):
        client = Client(headers={"Authorization": f"Bearer {secret}"})
        assert client.get("/api/v1/me/").status_code == 401
    login = Client().post(
        "/api/v1/auth/login/",
        {"email": WORDS["email"], "password": countess.password},
        content_type="application/json",
    )
    assert login.status_code == 401
    assert [word for word in ORIGINALS if word.encode() in in_valkey()] == []
    assert ConsentRecord.objects.count() == consents > 0
    assert not PersonalKey.objects.filter(user_id=user.pk).exists()
    assert "was deleted" in mails_to(EMAIL)[-1].subject


def test_erasing_one_leaves_another_untouched(countess, bob, fresh):
    also_there(bob, fresh(bob))
    before = {
        model._meta.db_table: rows_of(model, table, bob.user.pk).count()
        for model, table in data_map.mapped_models()
    }
    erasure.erase_user(user_id=countess.user.pk, reason="Asked by letter.")
    after = {
        model._meta.db_table: rows_of(model, table, bob.user.pk).count()
        for model, table in data_map.mapped_models()
    }
    assert after == before
    bob.user.refresh_from_db()
    assert bob.user.email == "bob@example.org"


def test_erased_address_can_be_used_again(countess):
    erasure.erase_user(user_id=countess.user.pk, reason="Asked by letter.")
    assert make_person(EMAIL).user.pk != countess.user.pk


def test_erasing_again_changes_nothing_and_the_house_cannot_be_erased(countess, capsys):
    for _ in range(2):
        erasure.erase_user(user_id=countess.user.pk, reason="Asked by letter.")
    assert personal_left(countess.user.pk) == []
    with pytest.raises(CommandError, match="no such person"):
        call_command("user_erase", str(SYSTEM.user_id), "--reason", "No.", "--yes")
    with pytest.raises(CommandError, match="--yes"):
        call_command("user_erase", str(countess.user.pk), "--reason", "No.")


def test_legal_hold_keeps_everything_until_it_ends(countess, grace, fresh, held_clock):
    hold = holds.place_hold(
        user_id=countess.user.pk, reason="Court of Chancery, 12/34.", actor=grace.principal
    )
    with pytest.raises(ErasureHeld):
        erasure.erase_user(user_id=countess.user.pk, reason="Asked by letter.")
    deletion.ask_for_deletion(actor=fresh(countess))
    held_clock(days=31)
    assert deletion.erase_due() == 0
    countess.user.refresh_from_db()
    assert countess.user.name == WORDS["name"]
    holds.end_hold(hold_id=hold.pk, reason="The case is closed.", actor=grace.principal)
    assert deletion.erase_due() == 1
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"legal_hold.place", "legal_hold.end", "account.erase"} <= actions


def test_only_who_may_places_a_hold(ada, bob, by_grace_page):
    with pytest.raises(PermissionRefused):
        holds.place_hold(user_id=ada.user.pk, reason="Because I can.", actor=bob.principal)
    by_grace_page.post("add/", {"user_id": str(ada.user.pk), "reason": "Court order 7/2026."})
    assert holds.is_held(ada.user.pk)
    by_grace_page.post("add/", {"user_id": str(ada.user.pk), "reason": "Court order 8/2026."})
    assert holds.held().count() == 1


def test_deletion_waits_and_can_be_taken_back(ada, fresh, held_clock):
    client = Client(headers={"Authorization": f"Bearer {start_session(user=ada.user)[1]}"})
    assert client.get("/api/v1/me/deletion/").status_code == 404
    assert client.post("/api/v1/me/deletion/").status_code == 202
    with pytest.raises(DeletionAsked):
        deletion.ask_for_deletion(actor=fresh(ada))
    held_clock(days=29)
    assert deletion.erase_due() == 0
    deletion.cancel_deletion(actor=fresh(ada))
    with pytest.raises(DeletionNotAsked):
        deletion.cancel_deletion(actor=fresh(ada))
    held_clock(days=3)
    assert deletion.erase_due() == 0
    ada.user.refresh_from_db()
    assert ada.user.is_active
    deletion.ask_for_deletion(actor=fresh(ada))
    held_clock(days=31)
    assert deletion.erase_due() == 1
    assert DeletionRequest.objects.filter(erased_at__isnull=False).count() == 1
    subjects = [mail.subject for mail in mails_to("ada@example.org")]
    assert subjects == [
        "Your account will be deleted",
        "Your account stays",
        "Your account will be deleted",
        "Your account was deleted",
    ]


def test_journal_finds_a_changed_a_missing_and_an_invented_line(ada, bob, settings):
    for person in (ada, bob):
        erasure.erase_user(user_id=person.user.pk, reason="Asked by letter.")
    assert journal.entries() == [ada.user.pk, bob.user.pk]
    path = journal._path()
    first, second = path.read_text().splitlines()
    for broken in (
        [first.replace(str(ada.user.pk), str(uuid.uuid4())), second],
        [second],
        [second, first],
        [first, json.dumps({**json.loads(second), "user_id": str(uuid.uuid4())})],
        [first, "nonsense"],
    ):
        path.write_text("\n".join(broken) + "\n")
        with pytest.raises(JournalBroken):
            journal.entries()


def test_failed_erasure_is_in_the_journal_and_leaves_the_person_whole(ada, monkeypatch):
    monkeypatch.setattr(erasure, "_emptied", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erasure.erase_user(user_id=ada.user.pk, reason="Asked by letter.")
    ada.user.refresh_from_db()
    assert ada.user.is_active
    assert ada.user.email == "ada@example.org"
    assert journal.entries() == [ada.user.pk]


def test_person_brought_back_by_a_restore_is_erased_again(countess, capsys):
    journal.append(countess.user.pk)
    assert not personal_left(uuid.uuid4())
    call_command("erasures_replay")
    assert "1 people erased again" in capsys.readouterr().out
    assert personal_left(countess.user.pk) == []
    assert erasure.replay_erasures() == []


def test_dump_holds_no_word_of_an_erased_person(committed_db: str, tmp_path: Path, fresh):
    person = make_person("ada@example.org")
    described(person, fresh(person))
    programs = services.cluster_at(tmp_path).programs

    def dump() -> str:
        done = subprocess.run(
            [programs / "pg_dump", "--inserts", url_of("superuser", committed_db)],
            check=True,
            capture_output=True,
        )
        return done.stdout.decode()

    before = dump()
    assert [word for word in ORIGINALS if word not in before] == []
    erasure.erase_user(user_id=person.user.pk, reason="Asked by letter.")
    after = dump()
    assert [word for word in ORIGINALS if word in after] == []
    assert_books_whole()


# After how many days each table's rows go, and what makes a row end now.
AGES = {
    "session": (30, "revoked_at = %s"),
    "refresh_family": (30, "revoked_at = %s"),
    "cookie": (30, "revoked_at = %s"),
    "jar_cookie": (30, "expires_at = %s"),
    "challenge": (30, "expires_at = %s"),
    "one_time_token": (30, "expires_at = %s"),
    "people_import": (90, "rows_sealed = NULL, finished_at = %s"),
    "people_import_row": (90, ""),
    "idempotency_key": (30, "created_at = %s"),
    "data_export": (0, "expires_at = %s"),
}


@pytest.fixture
def all_ended_now(ada: Person) -> dt.datetime:
    """Let a row of each class end at one instant; return it."""
    fill(ada, 1)
    now = clock.now()
    ImportedRow.objects.all().delete()
    PeopleImport.objects.all().delete()
    brought = PeopleImport.objects.create(user_id=ada.user.pk, total=1, finished_at=now)
    ImportedRow.objects.create(
        user_id=ada.user.pk, people_import=brought, number=1, outcome="refused"
    )
    Session.objects.exclude(user_id=ada.user.pk).delete()
    Challenge.objects.update(created_at=now)
    IdempotencyKey.objects.create(
        user_id=ada.user.pk, key_hash=uuid.uuid4(), fingerprint=b"f", status=200
    )
    with connection.cursor() as cursor:
        for table, (_, ending) in AGES.items():
            if ending:
                cursor.execute(f"UPDATE {table} SET {ending}", [now])
                assert cursor.rowcount, table
    return now


def left(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def test_each_class_goes_after_its_limit_and_not_before(all_ended_now, monkeypatch, capsys):
    assert {name for name, table in data_map.tables().items() if table.over} == set(AGES)
    for days in (0, 30, 90):
        for seconds, goes in ((0, False), (1, True)):
            moment = all_ended_now + dt.timedelta(days=days, seconds=seconds)
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
            mine = [table for table, (age, _) in AGES.items() if age == days]
            assert all(left(table) for table in mine)
            call_command("retention_apply", "--dry-run")
            said = capsys.readouterr().out
            assert all((f"{table}: 0 would go" not in said) == goes for table in mine), said
            assert all(left(table) for table in mine)
            call_command("retention_apply")
            assert [table for table in mine if bool(left(table)) == goes] == []


def test_what_a_legal_hold_covers_does_not_age(all_ended_now, ada, grace, monkeypatch, capsys):
    holds.place_hold(user_id=ada.user.pk, reason="Court order 7/2026.", actor=grace.principal)
    before = {table: left(table) for table in AGES}
    later = all_ended_now + dt.timedelta(days=100)
    monkeypatch.setattr(clock, "now", lambda: later)
    call_command("retention_apply")
    prune_sessions()
    purge_cookies()
    assert {table: left(table) for table in AGES} == before
    assert "kept by legal holds" in capsys.readouterr().out
