"""Copies of all of one's data: asked for, made by the worker, fetched by a link that ends."""

from __future__ import annotations

import contextlib
import datetime as dt
import hmac
import os
import secrets
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import structlog
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from procrastinate.contrib.django import app

from core import audit, clock, crypto, db, hooks, ids, jobs, step_up
from core.errors import PermissionRefused
from core.models import DataExport
from core.models.privacy import DONE, FAILED, QUEUED
from core.principals import SYSTEM, Principal
from core.privacy import contents, holds, sealed_files
from core.privacy.errors import ExportNotFound, ExportRunning
from core.privacy.rows import require_person

JOB: Final = "make_data_export"
LINK_PURPOSE: Final = "export-link"

log = structlog.get_logger(__name__)


def ask_for_export(*, actor: Principal) -> DataExport:
    """Have a copy of all of the caller's data made. Commits or joins.

    Raises:
        StepUpRequired: the login is not fresh.
        PermissionRefused: staff who act as the person.
        ScopeMissing: the caller is a key.
        ExportRunning: the last one asked for is not finished.
    """
    _require_oneself(actor)

    def ask() -> DataExport:
        row = DataExport(id=ids.uuid7(), user_id=actor.user_id, state=QUEUED, expires_at=_expiry())
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as exc:
            if db.violated_constraint(exc) != "data_export_one_at_a_time":
                raise
            raise ExportRunning("Wait until it is there.") from exc
        sealed_files.key_for(user_id=actor.user_id, name=str(row.pk))
        _record("export", row, actor)
        make_data_export.defer(export_id=str(row.pk), user_id=str(row.user_id), **jobs.origin())
        return row

    return db.run_in_transaction(ask)


def export_of(*, export_id: uuid.UUID, actor: Principal) -> DataExport:
    """Return one of the caller's copies.

    Raises:
        ExportNotFound: there is none with this id, or it is somebody else's.
    """
    row = DataExport.objects.filter(pk=export_id, user_id=actor.user_id).first()
    if row is None:
        raise ExportNotFound("You have no such copy.")
    return row


def link_of(row: DataExport) -> str | None:
    """Return the path a finished copy is fetched from; it ends with the copy."""
    if row.state != DONE or row.expires_at <= clock.now():
        return None
    expires = int(row.expires_at.timestamp())
    signature = _signature(row, expires, crypto.current_key_id()).hex()
    return f"/api/v1/me/export/{row.pk}/content/?expires={expires}&signature={signature}"


def content_of(
    *, export_id: uuid.UUID, expires: int, signature: str, actor: Principal
) -> Iterator[bytes]:
    """Yield the ZIP behind a link. Commits that it was fetched.

    Raises:
        StepUpRequired: the login is not fresh.
        PermissionRefused: staff who act as the person.
        ExportNotFound: not the caller's, not ready, over, or the link was not made by us.
    """
    _require_oneself(actor)
    row = export_of(export_id=export_id, actor=actor)
    is_ours = any(
        hmac.compare_digest(_signature(row, expires, key_id).hex(), signature)
        for key_id in crypto.key_ids()
    )
    is_over = expires <= clock.now().timestamp() or row.expires_at <= clock.now()
    if row.state != DONE or not is_ours or is_over:
        raise ExportNotFound("The link is over; ask for a new copy.")
    db.run_in_transaction(lambda: _record("export_fetch", row, actor))
    key = sealed_files.key_for(user_id=row.user_id, name=str(row.pk))
    return sealed_files.opened(row.stored_as, key)


@app.task(name=JOB)
def make_data_export(export_id: str, user_id: str) -> None:
    """Make a copy that was asked for; one that is finished, gone or erased is left alone."""
    row = DataExport.objects.filter(pk=export_id, user_id=user_id, state=QUEUED).first()
    if row is None:
        return
    name = secrets.token_hex(16)
    try:
        key = sealed_files.key_for(user_id=row.user_id, name=str(row.pk))
        rows, size = write_export(sealed_files.path_of(name), user_id=row.user_id, key=key)
        db.run_in_transaction(lambda: _finish(row, name, rows, size))
    except BaseException:
        sealed_files.remove(name)
        DataExport.objects.filter(pk=row.pk, user_id=row.user_id, state=QUEUED).update(
            state=FAILED, finished_at=clock.now()
        )
        raise


def write_export(path: Path, *, user_id: uuid.UUID, key: bytes | None) -> tuple[int, int]:
    """Write a person's data to a new file, sealed where there is a key; return rows and bytes.

    Outermost, all of it is of one instant.
    """
    is_outermost = not connection.in_atomic_block
    with _new_file(path) as file, transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        target = sealed_files.SealedWriter(file, key) if key else file
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            rows = contents.write(archive, user_id)
        if isinstance(target, sealed_files.SealedWriter):
            target.close()
        return rows, file.tell()


def export_person(*, path: Path, user_id: uuid.UUID, reason: str) -> tuple[int, int]:
    """Write a person's data to a file in clear, for the operator; return rows and bytes.

    Raises:
        PersonUnknown: nobody has this id.
        OSError: the file is there, or cannot be written.
    """
    require_person(user_id)
    written = write_export(path, user_id=user_id, key=None)
    audit.record(
        action="account.export",
        actor=SYSTEM,
        user_id=user_id,
        target_type="user",
        target_id=user_id,
        reason=reason,
    )
    return written


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that nobody but its owner may read; half of one is not left behind."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def remove_expired() -> int:
    """Remove copies that can no longer be fetched, rows and files; return how many there were.

    A legal hold keeps those of its person.
    """
    gone = DataExport.objects.filter(expires_at__lt=clock.now())
    gone = gone.exclude(user_id__in=holds.held().values("user_id"))
    found = list(gone.values_list("pk", "stored_as"))
    for _, name in found:
        if name:
            sealed_files.remove(name)
    DataExport.objects.filter(pk__in=[pk for pk, _ in found]).delete()
    return len(found)


def _finish(row: DataExport, name: str, rows: int, size: int) -> None:
    changed = DataExport.objects.filter(pk=row.pk, user_id=row.user_id, state=QUEUED).update(
        state=DONE,
        stored_as=name,
        rows=rows,
        size_bytes=size,
        finished_at=clock.now(),
        expires_at=_expiry(),
    )
    if not changed:
        raise ExportNotFound("The copy is not wanted any more.")
    hooks.fire(
        hooks.TELL_PERSON,
        user_id=row.user_id,
        template="export_ready",
        hours=settings.ENV.export_lifetime_h,
    )


def _require_oneself(actor: Principal) -> None:
    """Let nobody through who only acts as the person."""
    if actor.impersonator_id is not None:
        raise PermissionRefused("Only the person themselves gets their data.")
    step_up.require_fresh_login(actor)


def _expiry() -> dt.datetime:
    return clock.now() + dt.timedelta(hours=settings.ENV.export_lifetime_h)


def _signature(row: DataExport, expires: int, key_id: str) -> bytes:
    message = f"{row.pk}:{row.user_id}:{expires}".encode()
    return crypto.tag(message, purpose=LINK_PURPOSE, key_id=key_id)


def _record(word: str, row: DataExport, actor: Principal) -> None:
    audit.record(
        action=f"account.{word}",
        actor=actor,
        user_id=row.user_id,
        target_type="export",
        target_id=row.pk,
    )
