"""Files are taken as a stream, believed by content, kept apart, and given back as downloads."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
import threading
import uuid
from io import BytesIO

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from typing_extensions import override

from core import clock, context, errors, runtime_settings
from core.files import storage, uploads
from core.files.errors import FileQuotaExceeded, ScannerTooSlow
from core.models import AuditEvent, StoredFile
from sessions_app.services import start_session
from tests.people import Person, make_person

pytestmark = pytest.mark.django_db
HANGS = -1
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
TYPES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"x" * 50,
    "image/gif": b"GIF89a" + b"x" * 50,
    "image/webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "application/pdf": b"%PDF-1.7\n%x",
    "text/plain": "žluť;1\r\nx\t2\n".encode(),
}
REFUSED = {
    "page": b"<html><script>alert(1)</script>",
    "page after blanks": b"\xef\xbb\xbf \n<!doctype html>",
    "drawing": b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
    "program": b"\x7fELF\x02\x01\x01",
    "archive": b"PK\x03\x04",
    "not UTF-8": b"abc\xff\xfe",
    "half a character": "ž".encode()[:1],
    "control characters": b"abc\x00def",
    "reversed text": "abc\u202edef".encode(),
}


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """Files of a test lie in its own folder, and are small."""
    settings.ENV = dataclasses.replace(
        settings.ENV,
        upload_folder=str(tmp_path / "uploads"),
        file_bytes_max=1_000,
        file_quota_bytes=2_500,
    )


@pytest.fixture
def by_ada(ada: Person) -> Client:
    return _by(ada)


def _by(person: Person) -> Client:
    _, token = start_session(user=person.user)
    return Client(headers={"Authorization": f"Bearer {token}"})


def _hand_in(client: Client, content: bytes, name: str = "a.png"):
    return client.generic(
        "POST",
        "/api/v1/files/",
        content,
        content_type="application/octet-stream",
        query_params={"name": name},
    )


def _on_disk() -> list[str]:
    return sorted(path.name for path in storage.folder().iterdir())


@pytest.mark.parametrize("media_type", TYPES)
def test_what_is_handed_in_comes_back_as_a_download(by_ada, media_type):
    content = TYPES[media_type]
    taken = _hand_in(by_ada, content, name="účet.png")
    assert taken.status_code == 201, taken.content
    body = taken.json()
    assert (body["media_type"], body["size_bytes"]) == (media_type, len(content))
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    assert by_ada.get(taken["Location"]).json() == body
    answer = by_ada.get(f"{taken['Location']}content/", headers={"Accept": "*/*"})
    assert answer.getvalue() == content
    assert answer["Content-Type"] == media_type
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert AuditEvent.objects.filter(action="file.take", target_id=body["id"]).exists()


@pytest.mark.parametrize("kind", REFUSED)
def test_content_of_other_types_is_refused_whatever_its_name(by_ada, kind):
    refused = _hand_in(by_ada, REFUSED[kind], name="picture.png")
    assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_FILE_TYPE_REFUSED")
    assert _on_disk() == []
    assert not StoredFile.objects.exists()


def test_size_is_limited_on_both_sides(by_ada):
    assert _hand_in(by_ada, b"x" * 1_000).status_code == 201
    refused = _hand_in(by_ada, b"x" * 1_001)
    assert (refused.status_code, refused.json()["code"]) == (413, "VALIDATION_FILE_TOO_LARGE")
    assert refused.json()["bytes_max"] == 1_000
    assert len(_on_disk()) == 1
    empty = _hand_in(by_ada, b"")
    assert (empty.status_code, empty.json()["code"]) == (400, "VALIDATION_BODY_REQUIRED")


def test_quota_is_of_one_person_and_room_comes_back(by_ada, bob: Person):
    kept = [_hand_in(by_ada, b"x" * 1_000) for _ in range(2)]
    refused = _hand_in(by_ada, b"x" * 501)
    assert (refused.status_code, refused.json()["used_bytes"]) == (422, 2_000)
    assert _hand_in(_by(bob), b"x" * 501).status_code == 201
    assert by_ada.delete(kept[0]["Location"]).status_code == 204
    assert by_ada.get(kept[0]["Location"]).status_code == 404
    assert _hand_in(by_ada, b"x" * 501).status_code == 201


def test_two_cannot_both_take_the_last_room(committed_db):
    ada = make_person("ada@example.org")
    outcomes, gate = [], threading.Barrier(8)

    def hand_in() -> None:
        gate.wait()
        try:
            uploads.take_file(
                name="a", stream=BytesIO(b"x" * 900), expected_bytes=None, actor=ada.principal
            )
            outcomes.append("taken")
        except FileQuotaExceeded:
            outcomes.append("refused")
        connection.close()

    threads = [threading.Thread(target=hand_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 6 + ["taken"] * 2
    assert len(_on_disk()) == 2


def test_names_lead_nowhere(by_ada):
    for name in ("../../etc/passwd", "a\\b", "", "x" * 201):
        assert _hand_in(by_ada, PNG, name=name).status_code == 400
    taken = _hand_in(by_ada, PNG, name="..").json()
    (stored_as,) = _on_disk()
    assert len(stored_as) == 32
    assert taken["id"].replace("-", "") != stored_as


def test_strangers_find_nothing(by_ada, bob: Person):
    location = _hand_in(by_ada, PNG)["Location"]
    by_bob = _by(bob)
    for answer in (
        by_bob.get(location),
        by_bob.get(f"{location}content/"),
        by_bob.delete(location),
        by_bob.get(f"/api/v1/files/{uuid.uuid4()}/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "VALIDATION_FILE_NOT_FOUND")
    assert by_bob.get("/api/v1/files/").json()["items"] == []
    assert len(by_ada.get("/api/v1/files/").json()["items"]) == 1


@pytest.mark.parametrize(
    ("exit_code", "status", "code"),
    [
        (0, 201, None),
        (1, 422, "VALIDATION_FILE_INFECTED"),
        (2, 502, "EXTERNAL_SCANNER_UNAVAILABLE"),
        (HANGS, 504, "EXTERNAL_SCANNER_TIMEOUT"),
    ],
)
def test_scanner_is_asked_and_nothing_is_taken_unseen(
    by_ada, settings, monkeypatch, exit_code, status, code
):
    does = f"sys.exit({exit_code})"
    if exit_code == HANGS:
        monkeypatch.setattr(storage, "SCAN_TIMEOUT_S", 0.2)
        does = "time.sleep(600)"
    script = f"import sys, time; assert open(sys.argv[1], 'rb').read(); {does}"
    settings.ENV = dataclasses.replace(
        settings.ENV, file_scan_command=[sys.executable, "-c", script]
    )
    answer = _hand_in(by_ada, PNG)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert answer["Content-Type"].endswith("json")
    assert ("Retry-After" in answer) == (status > 500)
    assert len(_on_disk()) == (1 if status == 201 else 0)


def test_scanner_that_is_not_there_takes_nothing(by_ada, settings):
    settings.ENV = dataclasses.replace(settings.ENV, file_scan_command=["/no/such/scanner"])
    assert _hand_in(by_ada, PNG).status_code == 502
    assert _on_disk() == []


def test_scanner_has_as_long_as_the_request(settings, tmp_path):
    settings.ENV = dataclasses.replace(
        settings.ENV, file_scan_command=[sys.executable, "-c", "import time; time.sleep(600)"]
    )
    hurried = context.Context(request_id="r", deadline_ms=clock.monotonic_ms() + 50)
    with context.entered(hurried), pytest.raises(ScannerTooSlow):
        storage.scan(tmp_path)


def test_stream_that_breaks_leaves_nothing(ada: Person):
    class Broken(BytesIO):
        @override
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise TimeoutError
            return super().read(10)

    with pytest.raises(errors.ClientTooSlow):
        uploads.take_file(name="a", stream=Broken(PNG), expected_bytes=None, actor=ada.principal)
    with pytest.raises(errors.MalformedBody):
        uploads.take_file(
            name="a", stream=BytesIO(PNG), expected_bytes=len(PNG) + 1, actor=ada.principal
        )
    assert _on_disk() == []


def test_orphans_are_removed_and_files_stay(by_ada):
    _hand_in(by_ada, PNG)
    (kept,) = _on_disk()
    for name in ("orphan", "half.part"):
        (storage.folder() / name).write_bytes(b"x")
    for path in storage.folder().iterdir():
        os.utime(path, (0, 0))
    (storage.folder() / "young").write_bytes(b"x")
    assert uploads.remove_orphans() == 2
    assert _on_disk() == sorted([kept, "young"])


def test_folder_is_private(by_ada):
    _hand_in(by_ada, PNG)
    assert storage.folder().stat().st_mode & 0o077 == 0
    assert not str(storage.folder()).startswith(str(django_settings.STATIC_ROOT or "/nowhere"))


def test_staff_change_how_large_a_file_may_be(by_ada):
    runtime_settings.assume({"file_bytes_max": 10})
    refused = _hand_in(by_ada, b"eleven byte", name="a.txt")
    assert refused.status_code == 413
    assert _on_disk() == []
    assert _hand_in(by_ada, b"ten bytes.", name="a.txt").status_code == 201
