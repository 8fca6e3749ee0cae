"""Settings of backups."""

from __future__ import annotations

import dataclasses

from config.env_values import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backups:
    """The part of :class:`config.env.Env` that says where backups go, and who may open them."""

    database_backup_url: str = setting(
        "Role that takes backups: REPLICATION and pg_read_all_data. Empty: DATABASE_OWNER_URL, "
        "which can only dump.",
        default="",
        secret=True,
    )
    pg_bin_dir: str = setting(
        "Folder of PostgreSQL's programs (pg_dump, pg_basebackup ...). Empty: those that are "
        "installed with this service, else the system's.",
        default="",
    )
    backup_folder: str = setting(
        "Folder of backups and of the write-ahead log; on another disk than the database.",
        default="var/backups",
    )
    backup_identity: str = setting(
        "age identity (AGE-SECRET-KEY-1...) that opens backups. Keep a copy far from the server.",
        default="",
        secret=True,
    )
    backup_recipients: list[str] = setting(
        "age recipients (age1...) that backups are encrypted for, comma separated. Empty: the one "
        "of BACKUP_IDENTITY.",
        default=[],
    )
    backups_by: str = setting(
        "Who takes a full backup each night, removes old ones and proves the newest by a restore "
        "each Sunday: a timer of yours, or the worker.",
        default="timer",
        choices=("timer", "worker"),
    )
    backup_s3_bucket: str = setting(
        "Bucket of an S3-compatible store that backups and the log are copied to. Empty: none.",
        default="",
    )
    backup_s3_prefix: str = setting("What names in the bucket begin with.", default="strongroom/")
    backup_s3_region: str = setting("Region of the bucket.", default="")
    backup_s3_endpoint_url: str = setting("Address of the store, where it is not AWS.", default="")
    backup_s3_access_key: str = setting(
        "Access key for the bucket. Empty: found where AWS tools look for it.",
        default="",
        secret=True,
    )
    backup_s3_secret_key: str = setting("The secret of that key.", default="", secret=True)
