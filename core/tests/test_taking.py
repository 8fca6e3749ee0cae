"""Taking a backup: as the role for it, with room enough, told how far it is."""

from __future__ import annotations

import dataclasses
import io
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from core.backups import restoring, sealing, servers
from core.backups.faults import BackupFault
from core.backups.shelf import LOGICAL, Shelf
from core.backups.taking import ROOM, take_backup
from tests import services
from tests.database import url_of
from tests.people import make_person

Connect = Callable[[str], psycopg.Connection]


@pytest.fixture
def place(committed_db: str, tmp_path: Path, monkeypatch) -> Shelf:
    """An empty shelf, and the role for backups."""
    environment = dataclasses.replace(
        settings.ENV,
        database_backup_url=services.backup_url(committed_db),
        backup_folder=str(tmp_path / "backups"),
        backup_identity=sealing.make_identity(),
        backup_recipients=[],
    )
    monkeypatch.setattr(settings, "ENV", environment)
    make_person("ada@example.org")
    return Shelf()


def _holds_nothing(place: Shelf) -> bool:
    return {path.name for path in place.folder.iterdir()} <= {"lock"}


def test_role_for_backups_suffices_and_changes_nothing(place: Shelf, tmp_path: Path):
    manifest = take_backup(kind=LOGICAL)
    dump = tmp_path / "dump"
    assert restoring.open_dump(place, "latest", into=dump) == manifest.id
    assert b"ada@example.org" in dump.read_bytes()
    assert dump.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(servers.backup_url(), autocommit=True) as backup:
        for statement in ("UPDATE users SET name = ''", "DELETE FROM entry", "DROP TABLE entry"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                backup.execute(statement)


def test_dump_is_opened_over_nothing_and_from_nothing_else(place: Shelf, tmp_path: Path):
    take_backup(kind=LOGICAL)
    file = tmp_path / "there"
    file.write_text("mine")
    with pytest.raises(CommandError, match="File exists"):
        call_command("backup_restore", dump=file)
    assert file.read_text() == "mine"
    said = io.StringIO()
    call_command("backup_restore", dump=tmp_path / "dump", stdout=said)
    assert "pg_restore reads it" in said.getvalue()


def test_role_of_the_application_does_not_suffice(place: Shelf, monkeypatch, committed_db: str):
    app = dataclasses.replace(settings.ENV, database_backup_url=url_of("app", committed_db))
    monkeypatch.setattr(settings, "ENV", app)
    with pytest.raises(BackupFault, match="pg_dump failed"):
        take_backup(kind=LOGICAL)
    assert _holds_nothing(place)


def test_without_room_for_a_third_more_than_last_time_it_does_not_begin(place: Shelf, monkeypatch):
    free = [1_000]
    monkeypatch.setattr(servers, "free_bytes", lambda _folder: free[0])
    with pytest.raises(BackupFault, match=r"has 1,000 bytes left and the backup may need"):
        take_backup(kind=LOGICAL)
    assert _holds_nothing(place)
    free[0] = 1 << 40
    last = take_backup(kind=LOGICAL)
    needed = int(last.size_bytes * ROOM)
    free[0] = needed - 1
    with pytest.raises(BackupFault, match=f"may need {needed:,}"):
        take_backup(kind=LOGICAL)
    assert [manifest.id for manifest in place.backups()] == [last.id]
    free[0] = needed
    take_backup(kind=LOGICAL)
    assert len(place.backups()) == 2


def test_program_that_is_killed_half_way_leaves_nothing(place: Shelf, tmp_path: Path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("initdb", "pg_dump"):
        (programs / name).write_text("#!/bin/sh\nhead -c 3000000 /dev/urandom\nkill -9 $$\n")
        (programs / name).chmod(0o755)
    killed = dataclasses.replace(settings.ENV, pg_bin_dir=str(programs))
    monkeypatch.setattr(settings, "ENV", killed)
    with pytest.raises(CommandError, match="pg_dump failed"):
        call_command("backup_create", kind=LOGICAL)
    assert _holds_nothing(place)


def test_disk_that_is_full_half_way_leaves_nothing(place: Shelf):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        with pytest.raises(CommandError, match="File too large"):
            call_command("backup_create", kind=LOGICAL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert _holds_nothing(place)


def test_progress_is_told_up_to_the_last_byte(place: Shelf):
    told: list[int] = []
    manifest = take_backup(kind=LOGICAL, watch=told.append)
    assert told == sorted(told)
    assert told[-1] == manifest.files[0].plain_bytes
    assert len(set(told)) > 1


def test_bar_is_shown_to_people_alone(place: Shelf, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    said = io.StringIO()
    call_command("backup_create", kind=LOGICAL, stdout=said)
    assert terminal.getvalue() == ""
    terminal.isatty = lambda: True  # type: ignore[method-assign]  # a screen
    call_command("backup_create", kind=LOGICAL, stdout=said)
    assert "B/s" in terminal.getvalue()
    assert len(said.getvalue().split()) == 2
