"""The second place of backups: a bucket of an S3-compatible store.

Names there are those on the shelf. A backup's manifest is sent last and removed first, so that what
was interrupted looks like no backup there either. What is sent was sealed here; each part goes with
its checksum, which the store compares.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from core import optional
from core.backups.faults import BackupFault
from core.backups.sealing import SUFFIX, SealedFile
from core.backups.shelf import MANIFEST, PARTIAL, VERIFIED, Manifest, Shelf, sha256_of, sync_folder

CONNECT_TIMEOUT_S: Final = 5
READ_TIMEOUT_S: Final = 60
# Larger files go in parts of this size.
PART_BYTES: Final = 16 << 20
_CHUNK_BYTES: Final = 1 << 20
_CHECKED: Final = {"ChecksumAlgorithm": "SHA256"}
_WAL: Final = "wal/"
# The client is needed only where there is a bucket.
_imported: Final = functools.partial(optional.imported, otherwise=BackupFault)


class Bucket:
    """The bucket of ``BACKUP_S3_BUCKET``."""

    def __init__(self) -> None:
        self.name: str = settings.ENV.backup_s3_bucket
        if not self.name:
            raise BackupFault("There is no second place: set BACKUP_S3_BUCKET.")
        self._prefix: str = settings.ENV.backup_s3_prefix
        self._client = _client()
        parts = _imported("boto3.s3.transfer")
        self._parts = parts.TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES
        )

    def send(self, place: Shelf) -> list[str]:
        """Copy what the shelf has and the bucket has not; return the names.

        Raises:
            BackupFault: the store refuses, or cannot be reached.
        """
        with _in_our_words():
            there = self._names()
            sent = [name for name in _names_on(place) if name not in there or _may_change(name)]
            for name in sent:
                self._client.upload_file(
                    str(place.folder / name),
                    self.name,
                    self._prefix + name,
                    ExtraArgs=_CHECKED,
                    Config=self._parts,
                )
        return sent

    def outline(self, folder: Path) -> Shelf:
        """Return a shelf in ``folder`` with what is in the bucket: manifests whole, all else empty.

        Raises:
            BackupFault: as above.
        """
        with _in_our_words():
            names = self._names()
            for name in names:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.name in (MANIFEST, VERIFIED):
                    self._client.download_file(self.name, self._prefix + name, str(path))
                else:
                    path.touch()
        return Shelf(folder)

    def require_files(self, manifest: Manifest) -> None:
        """Read every file of a backup there, and raise unless it has the bytes that were written.

        Raises:
            BackupFault: names the file.
        """
        with _in_our_words():
            for file in manifest.files:
                name = f"{manifest.id}/{file.name}"
                digest = hashlib.sha256()
                found = self._client.get_object(Bucket=self.name, Key=self._prefix + name)
                for chunk in found["Body"].iter_chunks(_CHUNK_BYTES):
                    digest.update(chunk)
                if digest.hexdigest() != file.sha256:
                    raise BackupFault(f"{self.name}/{name} is not the file that was written.")

    def fetch(self, place: Shelf, outline: Shelf, backup_id: str) -> list[str]:
        """Bring a backup, what it builds on and the log after it onto the shelf; return the names.

        Raises:
            BackupFault: there is none, it is not what was written, or the store refuses.
        """
        chain = outline.chain(outline.get(backup_id))
        missing = [link for link in chain if not place.path(link.id).is_dir()]
        with place.only_one(), _in_our_words():
            for link in missing:
                self._fetch_backup(place, link)
            segments = self._fetch_log(place, outline, chain[-1])
        return [*(link.id for link in missing), *segments]

    def remove(self, backups: Collection[str], segments: Collection[str]) -> None:
        """Remove backups, each manifest first, and segments of the log.

        Raises:
            BackupFault: the store refuses.
        """
        with _in_our_words():
            names = self._names()
            for backup_id in backups:
                ours = [name for name in names if name.startswith(f"{backup_id}/")]
                for name in sorted(ours, key=lambda name: not name.endswith(MANIFEST)):
                    self._remove(name)
            for segment in segments:
                self._remove(f"{_WAL}{segment}{SUFFIX}")

    def _fetch_backup(self, place: Shelf, link: Manifest) -> None:
        partial = place.folder / (link.id + PARTIAL)
        partial.mkdir(mode=0o700)
        try:
            for name in (*(file.name for file in link.files), MANIFEST):
                self._download(f"{link.id}/{name}", partial / name)
            for file in link.files:
                _require(partial / file.name, file)
            sync_folder(partial)
            partial.rename(place.path(link.id))
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def _fetch_log(self, place: Shelf, outline: Shelf, manifest: Manifest) -> list[str]:
        first = manifest.wal.get("first_segment")
        if first is None or not outline.wal.is_dir():
            return []
        place.wal.mkdir(mode=0o700, exist_ok=True)
        names = sorted(path.name for path in outline.wal.iterdir())
        wanted = [
            name
            for name in names
            if (name[8:] >= first[8:] or ".history" in name) and not (place.wal / name).exists()
        ]
        for name in wanted:
            partial = place.wal / (name + PARTIAL)
            self._download(_WAL + name, partial)
            partial.replace(place.wal / name)
        return wanted

    def _download(self, name: str, path: Path) -> None:
        self._client.download_file(self.name, self._prefix + name, str(path), Config=self._parts)

    def _remove(self, name: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=self._prefix + name)

    def _names(self) -> set[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=self._prefix
        )
        keys = (entry["Key"] for page in pages for entry in page.get("Contents", ()))
        return {key.removeprefix(self._prefix) for key in keys}


def send(place: Shelf) -> list[str]:
    """Copy what is new to the bucket, where one is configured; return the names.

    Raises:
        BackupFault: as :meth:`Bucket.send`.
    """
    return Bucket().send(place) if settings.ENV.backup_s3_bucket else []


@contextlib.contextmanager
def _in_our_words() -> Iterator[None]:
    """Turn what the client raises into a fault that names no key."""
    botocore, boto = _imported("botocore.exceptions"), _imported("boto3.exceptions")
    try:
        yield
    except botocore.ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "unknown")
        raise BackupFault(f"The store of backups refused {exc.operation_name}: {code}.") from exc
    except boto.S3UploadFailedError as exc:
        raise BackupFault(f"The store of backups did not take {exc}.") from exc
    except botocore.BotoCoreError as exc:
        raise BackupFault(f"The store of backups cannot be asked: {type(exc).__name__}.") from exc


def _names_on(place: Shelf) -> list[str]:
    names = []
    for manifest in place.backups():
        files = [*(file.name for file in manifest.files), MANIFEST, VERIFIED]
        names += [
            f"{manifest.id}/{name}" for name in files if (place.path(manifest.id) / name).is_file()
        ]
    log = sorted(place.wal.glob(f"*{SUFFIX}")) if place.wal.is_dir() else []
    return names + [_WAL + path.name for path in log]


def _may_change(name: str) -> bool:
    return name.endswith(VERIFIED)


def _require(path: Path, file: SealedFile) -> None:
    if path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
        raise BackupFault(f"{path.name} in the bucket is not the file that was written.")


def _client() -> Any:
    env = settings.ENV
    return (
        _imported("boto3.session")
        .Session()
        .client(
            "s3",
            region_name=env.backup_s3_region or None,
            endpoint_url=env.backup_s3_endpoint_url or None,
            aws_access_key_id=env.backup_s3_access_key or None,
            aws_secret_access_key=env.backup_s3_secret_key or None,
            config=_imported("botocore.config").Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                retries={"total_max_attempts": 3},
                s3={"addressing_style": "path" if env.backup_s3_endpoint_url else "auto"},
            ),
        )
    )
