"""Where values of settings come from: the environment, files, a secret store, ``make run``.

The only modules that read the process environment are here and beside it, in ``config``.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from config import secret_stores

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_ENV_FILE = BASE_DIR / "var" / "local.env"


@dataclasses.dataclass(frozen=True, slots=True)
class Given:
    """Every text a setting can come from: of this process, of its store, of ``make run``."""

    environ: Mapping[str, str]
    stored: Mapping[str, str]
    local: Mapping[str, str]
    store: secret_stores.Store | None

    def merged(self) -> dict[str, str]:
        """Return what holds: the environment over the store over the local file."""
        stored = {n: v for n, v in self.stored.items() if not self.environ.get(f"{n}_FILE")}
        return over_local_values({**stored, **self.environ}, self.local)

    def source_of(self, name: str) -> str:
        """Say where the value of a setting comes from."""
        if self.environ.get(f"{name}_FILE"):
            return f"file {self.environ[f'{name}_FILE']}"
        merged = self.merged()
        if name in self.environ:
            return "environment"
        if name in self.stored and self.store:
            return self.store.name
        if merged.get(f"{name}_FILE"):
            return f"file {merged[f'{name}_FILE']}"
        return "var/local.env" if name in merged else "default"


def read_process_environment() -> Given:
    """Read everything that settings of this process can come from, the store included.

    Raises:
        ImproperlyConfigured: the secret store cannot be read.
    """
    environ, local = dict(os.environ), local_values()
    try:
        store = secret_stores.named(over_local_values(environ, local))
        stored = store.read() if store else {}
    except secret_stores.StoreUnavailable as exc:
        raise ImproperlyConfigured(f"Configuration is not usable: {exc}") from exc
    return Given(environ, stored, local, store)


_OTHER_ROLES: Final = ("DATABASE_OWNER_URL", "DATABASE_BACKUP_URL")


def over_local_values(given: Mapping[str, str], local: Mapping[str, str]) -> dict[str, str]:
    """Return ``given`` over ``local``, the values that ``make run`` keeps.

    Whoever names a database means all of it: the kept other roles belong to another one.
    """
    names_database = given.get("DATABASE_URL") or given.get("DATABASE_URL_FILE")
    kept = {
        name: value
        for name, value in local.items()
        if not given.get(f"{name}_FILE") and not (names_database and name in _OTHER_ROLES)
    }
    return {**kept, **given}


def local_values() -> dict[str, str]:
    """Values of the file that ``make run`` writes; none in production, where it does not exist."""
    if not LOCAL_ENV_FILE.is_file() or not os.access(LOCAL_ENV_FILE, os.R_OK):
        return {}
    try:
        lines = LOCAL_ENV_FILE.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as exc:
        raise ImproperlyConfigured(
            f"{LOCAL_ENV_FILE} is damaged: restore it, for it holds the keys of the data."
        ) from exc
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
