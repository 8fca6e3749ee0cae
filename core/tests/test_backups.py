"""Backups on disk: what is signed and sealed, what goes in time, what is no backup."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import io
import json
import random
from pathlib import Path

import pyrage
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from core import clock
from core.backups import drills, rotation, sealing, wal
from core.backups.faults import BackupFault
from core.backups.shelf import FULL, INCREMENTAL, LOGICAL, MANIFEST, Manifest, Shelf

NOW = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def identity(monkeypatch) -> str:
    """Keys of our own."""
    made = sealing.make_identity()
    environment = dataclasses.replace(settings.ENV, backup_identity=made, backup_recipients=[])
    monkeypatch.setattr(settings, "ENV", environment)
    return made


def _manifest(at: dt.datetime, number: int = 0, **facts) -> Manifest:
    kind = facts.pop("kind", FULL)
    return Manifest(
        **{
            "id": f"{at:%Y%m%dT%H%M%SZ}-{kind}-{number:06x}",
            "kind": kind,
            "parent": None,
            "label": "",
            "began_at": at.isoformat(),
            "ended_at": at.isoformat(),
            "made_by": "test",
            "server": {},
            "wal": {"first_segment": f"00000001{number:016X}"},
            "migrations": {},
            "totals": {},
            "files": [],
            **facts,
        }
    )


def _published(place: Shelf, at: dt.datetime = NOW, **facts) -> Manifest:
    with place.only_one(), place.new(FULL, at) as (backup_id, partial):
        sealed = sealing.write_sealed(
            io.BytesIO(b"books" * 10_000), partial / "cluster.tar.zst.age"
        )
        manifest = _manifest(at, id=backup_id, files=[sealed], **facts)
        place.publish(manifest, partial)
    return manifest


def test_sealed_file_opens_for_the_identity_alone(tmp_path: Path, identity: str):
    sealed = sealing.write_sealed(io.BytesIO(b"secret " * 100_000), tmp_path / "x")
    assert sealed.plain_bytes == 700_000 > sealed.bytes
    assert b"secret" not in (tmp_path / "x").read_bytes()
    out = io.BytesIO()
    sealing.read_sealed(tmp_path / "x", out)
    assert out.getvalue() == b"secret " * 100_000
    other = pyrage.x25519.Identity.generate()
    with pytest.raises(pyrage.DecryptError), (tmp_path / "x").open("rb") as file:
        pyrage.decrypt_io(file, io.BytesIO(), [other])


def test_server_with_the_recipient_alone_writes_and_cannot_read(
    tmp_path: Path, monkeypatch, identity
):
    public = str(pyrage.x25519.Identity.from_str(identity).to_public())
    environment = dataclasses.replace(settings.ENV, backup_identity="", backup_recipients=[public])
    monkeypatch.setattr(settings, "ENV", environment)
    sealing.write_sealed(io.BytesIO(b"x"), tmp_path / "x")
    with pytest.raises(BackupFault, match="BACKUP_IDENTITY"):
        sealing.read_sealed(tmp_path / "x", io.BytesIO())


def test_one_flipped_byte_is_always_found_and_its_file_named(tmp_path: Path):
    place = Shelf(tmp_path)
    manifest = _published(place)
    path = place.path(manifest.id) / manifest.files[0].name
    good = path.read_bytes()
    chance = random.Random(7)
    for _ in range(100):
        spoiled = bytearray(good)
        spoiled[chance.randrange(len(good))] ^= 1 << chance.randrange(8)
        path.write_bytes(spoiled)
        with pytest.raises(BackupFault, match=path.name):
            place.require_files(manifest)
    path.write_bytes(good)
    place.require_files(manifest)
    path.unlink()
    with pytest.raises(BackupFault, match="is missing"):
        place.require_files(manifest)


def test_one_changed_character_of_the_manifest_is_always_found(tmp_path: Path):
    place = Shelf(tmp_path)
    manifest = _published(place)
    path = place.path(manifest.id) / MANIFEST
    good = path.read_text()
    chance = random.Random(7)
    for _ in range(100):
        spoiled = list(good)
        where = chance.randrange(len(spoiled))
        spoiled[where] = "7" if spoiled[where] != "7" else "8"
        path.write_text("".join(spoiled))
        with pytest.raises(BackupFault, match=MANIFEST):
            place.get(manifest.id)
    path.write_text(good)
    assert place.get("latest") == manifest


def test_what_does_not_belong_is_named(tmp_path: Path):
    place = Shelf(tmp_path)
    manifest = _published(place)
    (place.path(manifest.id) / "pg_hba.conf").touch()
    with pytest.raises(BackupFault, match=r"pg_hba\.conf does not belong"):
        place.require_files(manifest)


def test_manifest_of_another_backup_is_refused(tmp_path: Path):
    place = Shelf(tmp_path)
    older, newer = _published(place), _published(place, NOW + dt.timedelta(days=1))
    text = (place.path(older.id) / MANIFEST).read_text()
    (place.path(newer.id) / MANIFEST).write_text(text)
    with pytest.raises(BackupFault, match="not written by a holder"):
        place.get(newer.id)


def test_what_was_interrupted_is_no_backup_and_goes_with_the_next(tmp_path: Path):
    place = Shelf(tmp_path)

    def interrupted() -> None:
        with place.only_one(), place.new(FULL, NOW) as (_, partial):
            (partial / "cluster.tar.zst.age").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert place.backups() == []
    killed = tmp_path / "20260630T120000Z-full-abcdef.partial"
    killed.mkdir()
    assert place.backups() == []
    manifest = _published(place)
    assert not killed.exists()
    assert [known.id for known in place.backups()] == [manifest.id]


def test_two_never_write_at_once(tmp_path: Path):
    place = Shelf(tmp_path)
    with place.only_one(), pytest.raises(BackupFault, match="already"), place.only_one():
        pass


def test_proof_of_one_backup_is_none_of_another(tmp_path: Path):
    place = Shelf(tmp_path)
    proved, other = _published(place), _published(place, NOW + dt.timedelta(days=1))
    place.mark_verified(proved, {"restore_s": 1.5})
    report = place.verified(proved)
    assert report is not None
    assert report["restore_s"] == 1.5
    text = (place.path(proved.id) / "verified.json").read_text()
    (place.path(other.id) / "verified.json").write_text(text)
    assert place.verified(other) is None
    facts = json.loads(text) | {"restore_s": 0.1}
    (place.path(proved.id) / "verified.json").write_text(json.dumps(facts))
    assert place.verified(proved) is None


def test_four_hundred_daily_backups_leave_exactly_the_expected():
    fakes = [_manifest(NOW - dt.timedelta(days=days), days, kind=LOGICAL) for days in range(400)]
    keep = rotation.kept(fakes, verified=[], policy=rotation.Policy(), now=NOW)
    ages = sorted(int(name[-6:], 16) for name in keep)
    daily = range(7)
    # 2026-06-30 is a Tuesday: weeks end on the Sundays before it.
    weekly = [0, 2, 9, 16, 23]
    monthly = [0, 30, 61, 91, 122, 150, 181, 212, 242, 273, 303, 334]
    yearly = [0, 181]
    assert ages == sorted({*daily, *weekly, *monthly, *yearly})


def test_last_proved_one_and_what_reaches_the_window_stay():
    fulls = [_manifest(NOW - dt.timedelta(days=days), 400 - days) for days in (300, 40, 20, 3)]
    built = _manifest(NOW - dt.timedelta(days=2), 500, kind=INCREMENTAL, parent=fulls[-1].id)
    none = rotation.Policy(daily=0, weekly=0, monthly=0, yearly=0)
    keep = rotation.kept([*fulls, built], verified=[fulls[0].id], policy=none, now=NOW)
    assert keep == {fulls[0].id, fulls[2].id, fulls[3].id, built.id}


@pytest.mark.long
@how(max_examples=5_000)
@given(
    ages=st.lists(st.integers(0, 3_000), max_size=25, unique=True),
    kinds=st.lists(st.sampled_from([FULL, INCREMENTAL, LOGICAL]), min_size=25, max_size=25),
    proved=st.sets(st.integers(0, 24)),
    policy=st.builds(
        rotation.Policy,
        **{field.name: st.integers(0, 8) for field in dataclasses.fields(rotation.Policy)},
    ),
)
def test_no_history_loses_what_must_stay(ages, kinds, proved, policy):
    backups: list[Manifest] = []
    newest_physical = None
    for number, hours in enumerate(sorted(ages, reverse=True)):
        kind = kinds[number] if newest_physical or kinds[number] == LOGICAL else FULL
        made = _manifest(
            NOW - dt.timedelta(hours=hours),
            number,
            kind=kind,
            parent=newest_physical if kind == INCREMENTAL else None,
        )
        newest_physical = made.id if kind != LOGICAL else newest_physical
        backups.append(made)
    verified = [made.id for number, made in enumerate(backups) if number in proved]
    keep = rotation.kept(backups, verified=verified, policy=policy, now=NOW)
    known = {made.id: made for made in backups}
    assert keep <= known.keys()
    assert not backups or backups[-1].id in keep
    assert not verified or verified[-1] in keep
    assert all(known[name].parent in {None, *keep} for name in keep)
    begins = NOW - dt.timedelta(days=policy.recovery_days)
    physical = [made for made in backups if made.kind != LOGICAL]
    before = [made for made in physical if made.made_at <= begins]
    assert {made.id for made in physical if made.made_at > begins} <= keep
    assert not before or before[-1].id in keep


def test_pruning_removes_folders_and_the_log_nobody_needs(tmp_path: Path):
    place = Shelf(tmp_path)
    old = _published(
        place, NOW - dt.timedelta(days=60), wal={"first_segment": "0" * 7 + "1" + "0" * 15 + "2"}
    )
    new = _published(
        place, NOW - dt.timedelta(days=20), wal={"first_segment": "0" * 7 + "1" + "0" * 15 + "5"}
    )
    place.wal.mkdir()
    for number in range(2, 9):
        (place.wal / f"00000001{number:016X}.zst.age").touch()
    policy = rotation.Policy(daily=1, weekly=0, monthly=0, yearly=0, recovery_days=7)
    told = rotation.prune(place, policy=policy, now=NOW, dry_run=True)
    assert [made.id for made in place.backups()] == [old.id, new.id]
    assert rotation.prune(place, policy=policy, now=NOW) == told
    assert [made.id for made in place.backups()] == [new.id]
    assert [int(name[-2:], 16) for name in wal.segments(place)] == [5, 6, 7, 8]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age_s", "restore_s", "missed"),
    [
        (299, 60.0, []),
        (302, 60.0, ["rpo_s"]),
        (10, 60.1, ["rto_s"]),
        (302, 60.1, ["rpo_s", "rto_s"]),
    ],
)
def test_drill_past_its_goals_fails_and_says_which(
    identity: str, tmp_path: Path, monkeypatch, age_s: int, restore_s: float, missed: list[str]
):
    """What the restore itself takes is measured in tests/test_recovery.py."""
    shelf_here = dataclasses.replace(settings.ENV, backup_folder=str(tmp_path))
    monkeypatch.setattr(settings, "ENV", shelf_here)
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(seconds=age_s))
    manifest = _published(Shelf(), NOW)
    measured = {"restore_s": restore_s, "checks": {}}
    monkeypatch.setattr(drills, "drill", lambda _place, _manifest: measured)
    said = io.StringIO()
    with pytest.raises(CommandError, match=missed[-1]) if missed else contextlib.nullcontext():
        call_command("dr_drill", "--rpo-s", "300", "--rto-s", "60", stdout=said)
    assert json.loads(said.getvalue()) == {
        "id": manifest.id,
        "rpo_s": age_s,
        "rto_s": restore_s,
        "missed": missed,
        "checks": {},
    }


def test_missing_piece_of_the_log_is_named(tmp_path: Path):
    place = Shelf(tmp_path)
    place.wal.mkdir(parents=True)
    for number in (2, 3, 5):
        sealing.write_sealed(io.BytesIO(b"x"), place.wal / f"00000001{number:016X}.zst.age")
    with pytest.raises(BackupFault, match="00000000" + "00000004"):
        wal.bring_back(place, first=f"00000001{2:016X}", into=tmp_path / "out")
