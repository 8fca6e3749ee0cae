"""How far erasure reaches: files that were handed in, and months that have left the database."""

from __future__ import annotations

import gzip
from pathlib import Path

from core import archives, clock, partitions
from core.files import storage
from core.models import StoredFile
from core.privacy import data_map, erasure
from core.privacy.data_map import DELETE
from tests.people import Person, make_person
from tests.test_privacy import ORIGINALS, described, folders  # noqa: F401 - a fixture
from transactions.tests.money import move, open_account, post


def test_files_that_were_handed_in_go_after_the_commit(
    ada: Person, bob: Person, django_capture_on_commit_callbacks
):
    names = {}
    for person, name in ((ada, "a" * 32), (bob, "b" * 32)):
        storage.path_of(name).write_bytes(b"a receipt")
        names[person.user.pk] = storage.path_of(name)
        StoredFile.objects.create(
            user_id=person.user.pk,
            name="r.txt",
            media_type="text/plain",
            size_bytes=9,
            stored_as=name,
        )
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_user(user_id=ada.user.pk, reason="Asked by letter.")
        assert names[ada.user.pk].exists()
    assert not names[ada.user.pk].exists()
    assert names[bob.user.pk].exists()


def test_no_table_of_the_archive_holds_what_erasure_removes():
    archived = partitions.partitioned_tables()
    assert archived
    for name in archived:
        table = data_map.table(name)
        assert table.erasure != DELETE, name
        assert list(table.emptied()) == [], name


def test_archived_month_says_nothing_of_who_somebody_was(
    committed_db: str,
    tmp_path: Path,
    fresh,
):
    person = make_person("ada@example.org")
    described(person, fresh(person))
    source, destination = (
        open_account(person.principal, balance=100),
        open_account(person.principal),
    )
    post(move(source, destination, 10))
    archive = archives.archive_month(month=clock.now().date(), folder=tmp_path, allow_current=True)
    files = list((tmp_path / archive.folder).glob("*.copy.gz"))
    text = "".join(gzip.decompress(file.read_bytes()).decode() for file in files)
    assert str(person.user.pk) in text
    assert [word for word in ORIGINALS if word in text] == []
