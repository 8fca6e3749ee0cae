"""What a backup is on disk: a folder with sealed files and a signed manifest.

A backup gets its name only when all of it is written and synced: what was interrupted stays a
folder named ``.partial``, which nothing lists and the next backup removes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from core import clock, crypto
from core.backups.faults import BackupFault
from core.backups.sealing import SealedFile

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
VERIFIED: Final = "verified.json"
PARTIAL: Final = ".partial"
FULL, INCREMENTAL, LOGICAL = "full", "incremental", "logical"
KINDS: Final = (FULL, INCREMENTAL, LOGICAL)
_PURPOSE: Final = "backup-manifest"
_ID: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[a-z]+-[0-9a-f]{6}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is in a backup and what it must give back.

    ``server`` tells version, system identifier and database; ``wal`` the first segment that is
    needed and the position up to which it is (physical ones only); ``totals`` the control totals
    and the watermark below which they count; ``migrations`` the newest one of each app.
    """

    id: str
    kind: str
    parent: str | None
    label: str
    began_at: str
    ended_at: str
    made_by: str
    server: dict[str, Any]
    wal: dict[str, Any]
    migrations: dict[str, str]
    totals: dict[str, Any]
    files: list[SealedFile]

    @property
    def made_at(self) -> dt.datetime:
        """When it ended."""
        return dt.datetime.fromisoformat(self.ended_at)

    @property
    def size_bytes(self) -> int:
        """What it takes on disk."""
        return sum(file.bytes for file in self.files)


class Shelf:
    """The folder all backups lie in."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder: Path = folder or settings.BASE_DIR / settings.ENV.backup_folder

    @property
    def wal(self) -> Path:
        """Where sealed segments of the write-ahead log lie."""
        return self.folder / "wal"

    def path(self, backup_id: str) -> Path:
        """Return the folder of one backup."""
        return self.folder / backup_id

    def backups(self) -> list[Manifest]:
        """Return every finished backup, oldest first; signatures are not looked at."""
        if not self.folder.is_dir():
            return []
        names = sorted(path.name for path in self.folder.iterdir() if _ID.fullmatch(path.name))
        return [_read(self.path(name)) for name in names if (self.path(name) / MANIFEST).is_file()]

    def get(self, backup_id: str) -> Manifest:
        """Return one backup's manifest, or the newest one's for ``latest``.

        Raises:
            BackupFault: there is none, or somebody else wrote it.
        """
        if backup_id == "latest":
            found = self.backups()
            if not found:
                raise BackupFault(f"There is no backup in {self.folder}.")
            backup_id = found[-1].id
        if not _ID.fullmatch(backup_id) or not (self.path(backup_id) / MANIFEST).is_file():
            raise BackupFault(f"There is no backup {backup_id} in {self.folder}.")
        _require_signature(self.path(backup_id))
        return _read(self.path(backup_id))

    def chain(self, manifest: Manifest) -> list[Manifest]:
        """Return the full backup, and each incremental one up to ``manifest``."""
        chain = [manifest]
        while chain[0].parent is not None:
            chain.insert(0, self.get(chain[0].parent))
        return chain

    def require_files(self, manifest: Manifest) -> None:
        """Raise unless every file is there and has the bytes that were written.

        Raises:
            BackupFault: names the file.
        """
        folder = self.path(manifest.id)
        for file in manifest.files:
            path = folder / file.name
            if not path.is_file():
                raise BackupFault(f"{path} is missing.")
            if path.stat().st_size != file.bytes or sha256_of(path) != file.sha256:
                raise BackupFault(f"{path} is not the file that was written.")
        known = {file.name for file in manifest.files} | {MANIFEST, VERIFIED}
        for path in folder.iterdir():
            if path.name not in known:
                raise BackupFault(f"{path} does not belong to this backup.")

    @contextlib.contextmanager
    def only_one(self) -> Iterator[None]:
        """Let nobody else write here meanwhile; what was interrupted before is removed.

        Raises:
            BackupFault: somebody does already.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise BackupFault(f"Somebody works on {self.folder} already.") from exc
            for path in self.folder.glob(f"*{PARTIAL}"):
                shutil.rmtree(path)
            yield

    @contextlib.contextmanager
    def new(self, kind: str, began_at: dt.datetime) -> Iterator[tuple[str, Path]]:
        """Yield an id and a folder to fill; nothing of it stays after an exception."""
        backup_id = f"{began_at:%Y%m%dT%H%M%SZ}-{kind}-{secrets.token_hex(3)}"
        partial = self.folder / (backup_id + PARTIAL)
        partial.mkdir(mode=0o700)
        try:
            yield backup_id, partial
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def publish(self, manifest: Manifest, partial: Path) -> None:
        """Sign the manifest and give the folder its name, in one step that survives a crash."""
        write_signed(partial / MANIFEST, {"format": FORMAT, **dataclasses.asdict(manifest)})
        sync_folder(partial)
        partial.rename(self.path(manifest.id))
        sync_folder(self.folder)

    def mark_verified(self, manifest: Manifest, report: dict[str, Any]) -> None:
        """Remember that a restore of this backup was tried, and what came out."""
        facts = {"at": clock.as_rfc3339(clock.now()), "id": manifest.id, **report}
        write_signed(self.path(manifest.id) / VERIFIED, facts)

    def verified(self, manifest: Manifest) -> dict[str, Any] | None:
        """Return what the last successful drill of this backup reported."""
        path = self.path(manifest.id) / VERIFIED
        if not path.is_file():
            return None
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return facts if _is_signed(facts) and facts["id"] == manifest.id else None


def write_signed(path: Path, facts: dict[str, Any]) -> None:
    """Write ``facts`` with a tag that only a holder of ENCRYPTION_KEYS can make; synced."""
    key_id = crypto.current_key_id()
    tagged = {**facts, "key_id": key_id, "tag": _tag(facts, key_id)}
    partial = path.with_name(path.name + PARTIAL)
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(tagged, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def sync_folder(folder: Path) -> None:
    """Let the names in ``folder`` survive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(folder: Path) -> Manifest:
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = [SealedFile(**file) for file in facts.pop("files")]
        known = {field.name for field in dataclasses.fields(Manifest)} - {"files"}
        if facts["format"] != FORMAT:
            raise BackupFault(f"{folder / MANIFEST} has another format.")
        return Manifest(files=files, **{name: facts[name] for name in known})
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BackupFault(f"{folder / MANIFEST} is damaged.") from exc


def _require_signature(folder: Path) -> None:
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise BackupFault(f"{folder / MANIFEST} is damaged.") from exc
    if not isinstance(facts, dict) or facts.get("id") != folder.name or not _is_signed(facts):
        raise BackupFault(
            f"{folder / MANIFEST} was not written by a holder of ENCRYPTION_KEYS, or was changed."
        )


def _is_signed(facts: dict[str, Any]) -> bool:
    signed = {name: value for name, value in facts.items() if name not in ("key_id", "tag")}
    try:
        expected = _tag(signed, str(facts["key_id"]))
    except (KeyError, crypto.SealBroken):
        return False
    return hmac.compare_digest(expected, str(facts.get("tag", "")))


def _tag(facts: dict[str, Any], key_id: str) -> str:
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return crypto.tag(canonical, purpose=_PURPOSE, key_id=key_id).hex()


def sha256_of(path: Path) -> str:
    """Return the digest of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
