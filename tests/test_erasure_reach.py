"""How far erasure reaches: files that were handed in, and months that have left the database."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from accounts import services as accounts
from core import archives, clock, crypto, partitions, reencryption
from core.files import storage
from core.models import PersonalKey, StoredFile
from core.personal_keys import Box
from core.privacy import data_map, erasure
from core.privacy.data_map import DELETE
from core.webhooks import endpoints, signing
from sessions_app.tests.cookies import define, filled_jar, issue
from tests.database import await_final
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
    # Only what is final can be sealed, whoever else uses this PostgreSQL.
    await_final()
    archive = archives.archive_month(month=clock.now().date(), folder=tmp_path, allow_current=True)
    files = list((tmp_path / archive.folder).glob("*.copy.gz"))
    text = "".join(gzip.decompress(file.read_bytes()).decode() for file in files)
    assert str(person.user.pk) in text
    assert [word for word in ORIGINALS if word in text] == []


def test_sealed_values_copied_before_open_no_more(ada: Person, bob: Person, fresh):
    url = "https://93.184.215.14/"
    kept, _ = endpoints.create_endpoint(url=url, topics=["*"], actor=bob.principal)
    filled_jar(ada.principal)
    definition = define()
    issue("behind the cookie", name=definition.name, user_id=ada.user.pk)
    accounts.begin_app(label="phone", actor=fresh(ada))
    endpoints.create_endpoint(url=url, topics=["*"], actor=ada.principal)
    copies = list(_sealed_of(ada))
    assert {column for column, _, _ in copies} == {
        *("cookie.value_sealed", "factor.seed_sealed", "jar_cookie.value_sealed"),
        "webhook_endpoint.secret_sealed",
    }
    for _, bound_to, sealed in copies:
        assert Box(ada.user.pk).unseal(sealed, bound_to=bound_to)
    erasure.erase_user(user_id=ada.user.pk, reason="Asked by letter.")
    # With everything that the service still holds: each person's key, and each of the ring.
    for _, bound_to, sealed in copies:
        for holder in (ada.user.pk, *PersonalKey.objects.values_list("user_id", flat=True)):
            with pytest.raises(crypto.SealBroken):
                Box(holder).unseal(sealed, bound_to=bound_to)
        with pytest.raises(crypto.SealBroken):
            crypto.unseal(sealed, bound_to=bound_to)
    assert signing.headers_for(kept, message_id="m", body=b"{}")["webhook-signature"]


def _sealed_of(person: Person) -> Iterator[tuple[str, str, bytes]]:
    """Yield column, place and value of all that is sealed with the person's own key."""
    for column in filter(lambda each: each.is_personal, reencryption.sealed_columns()):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, {column.name} FROM {column.table} "
                f"WHERE user_id = %s AND {column.name} IS NOT NULL",
                [person.user.pk],
            )
            for row_id, sealed in cursor.fetchall():
                yield f"{column.table}.{column.name}", column.bound_to(row_id), bytes(sealed)
