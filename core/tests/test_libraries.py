"""Old, unlocked and holed libraries are named, and nothing else is."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core import libraries
from tests.services import ROOT

HERE = {"django": "5.2.3", "oldest-lib": "1.0"}


def advisories(*records: Any) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    made.seek(0)
    return made


def about(name: str, ecosystem: str = "PyPI", **affected: Any) -> dict[str, Any]:
    package = {"ecosystem": ecosystem, "name": name}
    return {"id": "HOLE-1", "affected": [{"package": package, **affected}]}


def events(*pairs: tuple[str, str], kind: str = "ECOSYSTEM") -> list[dict[str, Any]]:
    return [{"type": kind, "events": [{what: at} for what, at in pairs]}]


@pytest.mark.parametrize(
    "record",
    [
        about("Django", versions=["5.2.3"]),
        about("django", ranges=events(("introduced", "0"), ("fixed", "5.2.4"))),
        about("django", ranges=events(("introduced", "5.0"), ("last_affected", "5.2.3"))),
        # The second range of two, and not in the order of versions.
        about(
            "django",
            ranges=events(
                ("introduced", "5.2"), ("fixed", "5.2.10"), ("introduced", "0"), ("fixed", "4.2.9")
            ),
        ),
        about("django", ranges=events(("introduced", "5.2.3"))),
    ],
)
def test_known_hole_is_named(record):
    assert libraries.with_known_holes(advisories(record), HERE) == ["django 5.2.3: HOLE-1"]


@pytest.mark.parametrize(
    "record",
    [
        about("Django", versions=["5.2.2"]),
        about("django", ranges=events(("introduced", "0"), ("fixed", "5.2.3"))),
        about("django", ranges=events(("introduced", "5.2.10"))),
        about("django", ranges=events(("introduced", "0"), ("last_affected", "5.2.2"))),
        about("django", ranges=events(("introduced", "0"), kind="GIT")),
        about("django", ecosystem="npm", versions=["5.2.3"]),
        about("somebody-elses", versions=["5.2.3"]),
        {**about("django", versions=["5.2.3"]), "withdrawn": "2026-01-01T00:00:00Z"},
        {"id": "HOLE-2"},
    ],
)
def test_hole_of_others_is_not(record):
    assert libraries.with_known_holes(advisories(record), HERE) == []


@pytest.mark.parametrize(
    "file", [io.BytesIO(b"no zip"), advisories([]), advisories({"affected": [{}]})]
)
def test_file_that_is_no_list_of_holes_is_refused(file):
    with pytest.raises(ValueError, match="no ZIP of advisories"):
        libraries.with_known_holes(file, HERE)


def test_library_in_another_version_than_the_lock_says_is_named(tmp_path: Path):
    lock = ROOT / "requirements.txt"
    assert libraries.not_as_locked(lock) == []
    version = libraries.installed()["django"]
    planted = tmp_path / "requirements.txt"
    planted.write_text(lock.read_text().replace(f"django=={version}", "django==5.2.1"))
    found = libraries.not_as_locked(planted)
    assert found == [f"django is {version}, locked is 5.2.1"]


def test_series_without_security_fixes_is_named():
    today = dt.date(2026, 11, 21)
    assert libraries.unsupported(postgresql=18, today=today) == []
    assert libraries.unsupported(postgresql=14, today=today) == [
        "PostgreSQL 14 is not among the series this was made for"
    ]
    late = libraries.unsupported(postgresql=18, today=dt.date(2031, 1, 1))
    assert [sentence.split()[0] for sentence in late] == ["Django", "Python", "PostgreSQL"]
