"""Take, list, give back and remove the files of a person."""

from __future__ import annotations

import uuid
from typing import IO, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum

from core import audit, db, errors, ids
from core.files import content, storage
from core.files.errors import FileNotFound, FileQuotaExceeded, FileTypeRefused
from core.models import StoredFile
from core.pagination import Page, PageRequest, page_by_id
from core.principals import Principal
from core.runtime_settings import Setting, declare

ORPHAN_AGE_S: Final = 86_400
FILE_BYTES_MAX: Final = declare(
    Setting(
        name="file_bytes_max",
        default=lambda: settings.ENV.file_bytes_max,
        minimum=1,
        maximum=1_073_741_824,
        about="Bytes one file may have; a proxy in front may allow fewer.",
    )
)


def take_file(
    *, name: str, stream: IO[bytes], expected_bytes: int | None, actor: Principal
) -> StoredFile:
    """Keep what ``stream`` holds as a file of ``actor``. Commits its own transaction.

    Type, size and checksum are those of the content; ``name`` is only shown. The scanner looks
    before anything is kept.

    Raises:
        BodyRequired: there is nothing.
        MalformedBody: less came than was announced.
        FileTooLarge: or FileQuotaExceeded, FileTypeRefused, FileInfected, ScannerUnavailable,
            ScannerTooSlow.
    """
    _require_room(actor.user_id, expected_bytes or 0)
    bytes_max: int = FILE_BYTES_MAX.value
    with storage.received(stream, bytes_max=bytes_max) as (path, size, sha256):
        if size == 0:
            raise errors.BodyRequired("Send the file as the body.")
        if expected_bytes is not None and size < expected_bytes:
            raise errors.MalformedBody("The body ended before its Content-Length.")
        media_type = content.type_of(path)
        if media_type is None:
            raise FileTypeRefused("Send PNG, JPEG, GIF, WebP, PDF or plain text in UTF-8.")
        storage.scan(path)
        stored_as = storage.keep(path)
    row = StoredFile(
        id=ids.uuid7(),
        user_id=actor.user_id,
        name=name,
        media_type=media_type,
        size_bytes=size,
        sha256=sha256,
        stored_as=stored_as,
    )
    try:
        db.run_in_transaction(lambda: _recorded(row, actor))
    except BaseException:
        storage.remove(stored_as)
        raise
    return row


def files_of(*, actor: Principal, asked: PageRequest) -> Page[StoredFile]:
    """Return a page of the caller's files, newest first."""
    return page_by_id(StoredFile.objects.filter(user_id=actor.user_id).defer("stored_as"), asked)


def get_file(*, file_id: uuid.UUID, actor: Principal) -> StoredFile:
    """Return one of the caller's files.

    Raises:
        FileNotFound: there is none with this id, or it is somebody else's.
    """
    row = StoredFile.objects.filter(pk=file_id, user_id=actor.user_id).first()
    if row is None:
        raise FileNotFound("You have no such file.")
    return row


def remove_file(*, file_id: uuid.UUID, actor: Principal) -> None:
    """Remove a file and its content. Commits its own transaction.

    Raises:
        FileNotFound: there is none with this id, or it is somebody else's.
    """
    row = get_file(file_id=file_id, actor=actor)

    def remove() -> None:
        StoredFile.objects.filter(pk=row.pk, user_id=row.user_id).delete()
        _audit("file.remove", row, actor)
        transaction.on_commit(lambda: storage.remove(row.stored_as))

    db.run_in_transaction(remove)


def remove_orphans() -> int:
    """Remove content without a row, left by a process that died; return how many there were."""
    names = storage.names_older_than(ORPHAN_AGE_S)
    known = set(StoredFile.objects.filter(stored_as__in=names).values_list("stored_as", flat=True))
    orphans = [name for name in names if name not in known]
    for name in orphans:
        storage.remove(name)
    return len(orphans)


def _recorded(row: StoredFile, actor: Principal) -> None:
    with connection.cursor() as cursor:
        # Uploads of one person stand in line here, so that two cannot both take the last room.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"files:{row.user_id}"]
        )
    _require_room(row.user_id, row.size_bytes)
    row.save(force_insert=True)
    _audit("file.take", row, actor)


def _require_room(user_id: uuid.UUID, size: int) -> None:
    quota: int = settings.ENV.file_quota_bytes
    used = StoredFile.objects.filter(user_id=user_id).aggregate(sum=Sum("size_bytes"))["sum"] or 0
    if used + size > quota:
        raise FileQuotaExceeded(
            "Remove files you no longer need.", quota_bytes=quota, used_bytes=int(used)
        )


def _audit(action: str, row: StoredFile, actor: Principal) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=row.user_id,
        target_type="file",
        target_id=row.pk,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
    )
