"""PostgreSQL and Valkey of this checkout: started for the first user, stopped by the last.

Everybody who uses them holds a shared lock; who ends and is alone stops them. The kernel drops
the lock of a process that was killed, so nobody waits for the dead.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from pyrage import x25519

from config.env import load
from config.given import BASE_DIR, LOCAL_ENV_FILE, local_values, over_local_values
from core.embedded import binaries
from core.embedded.errors import EmbeddedServiceError
from core.embedded.postgres import BACKUP_ROLE, OWNER_ROLE, PostgresCluster
from core.embedded.private_files import write_private
from core.embedded.valkey import ValkeyServer
from core.encryption_keys import make_key

VAR: Final = BASE_DIR / "var"
ADDRESSES: Final = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_BACKUP_URL", "REDIS_URL")


@contextlib.contextmanager
def services() -> Iterator[dict[str, str]]:
    """Start the services that no variable points elsewhere; yield the environment to use them.

    Raises:
        ImproperlyConfigured: a setting is wrong; nothing was started.
        EmbeddedServiceError: a service did not start.
    """
    require_folder(VAR)
    known = _remembered()
    environment = over_local_values(os.environ, known)
    _require_usable(environment)
    own: list[PostgresCluster | ValkeyServer] = []
    with _locked(VAR / "services.users", fcntl.LOCK_SH) as users:
        # The gate keeps "nobody uses them, stop them" and "start them, I use them" apart.
        try:
            with _locked(VAR / "services.gate", fcntl.LOCK_EX):
                if not _is_given("DATABASE_URL"):
                    cluster = local_cluster()
                    own.append(cluster)
                    cluster.start()
                    environment["DATABASE_URL"] = cluster.url()
                    environment["DATABASE_OWNER_URL"] = cluster.url(OWNER_ROLE)
                    environment["DATABASE_BACKUP_URL"] = cluster.url(BACKUP_ROLE)
                if not _is_given("REDIS_URL"):
                    valkey = local_valkey()
                    own.append(valkey)
                    valkey.start()
                    environment["REDIS_URL"] = valkey.url
                _remember(known, environment)
            yield environment
        finally:
            with _locked(VAR / "services.gate", fcntl.LOCK_EX):
                if _is_last(users):
                    for service in reversed(own):
                        service.stop()


def local_cluster() -> PostgresCluster:
    """Return the PostgreSQL cluster of this checkout, running or not."""
    identity = binaries.service_identity()
    return PostgresCluster(
        home=binaries.service_home(VAR / "postgres", identity),
        programs=binaries.postgres_programs(os.environ.get("PG_BIN_DIR"), identity),
        identity=identity,
    )


def local_valkey() -> ValkeyServer:
    """Return the Valkey server of this checkout, running or not."""
    identity = binaries.service_identity()
    return ValkeyServer(
        home=binaries.service_home(VAR / "valkey", identity),
        program=binaries.valkey_program(identity),
        identity=identity,
    )


def require_folder(folder: Path) -> None:
    """Make ``folder``; others may pass through to what is theirs, not look around."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    except FileExistsError as exc:
        raise EmbeddedServiceError(f"{folder} is a file: move it away.") from exc
    except PermissionError as exc:
        raise EmbeddedServiceError(
            f"{folder} belongs to somebody else: run as that user, or remove it."
        ) from exc


@contextlib.contextmanager
def _locked(path: Path, kind: int) -> Iterator[IO[str]]:
    with path.open("w") as file:
        fcntl.flock(file, kind)
        yield file


def _is_last(users: IO[str]) -> bool:
    """Return whether nobody else holds the lock that ``users`` shares; call behind the gate."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_given(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _require_usable(environment: Mapping[str, str]) -> None:
    """Refuse wrong settings before anything starts; where services will be, stand-ins answer."""
    stand_ins = {
        "DATABASE_URL": "postgresql:///later",
        "REDIS_URL": "unix:///later",
    }
    missing = {name: value for name, value in stand_ins.items() if not _is_given(name)}
    load({**environment, **missing})


def _remembered() -> dict[str, str]:
    """Return the file of generated settings, made on first use."""
    known = local_values()
    known.setdefault("ENVIRONMENT", "development")
    known.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    known.setdefault("ENCRYPTION_KEYS", make_key())
    known.setdefault("BACKUP_IDENTITY", str(x25519.Identity.generate()))
    known.setdefault("METRICS_TOKEN", secrets.token_urlsafe(24))
    known.setdefault("MAIL_TRANSPORT", "file")
    return known


def _remember(known: dict[str, str], environment: Mapping[str, str]) -> None:
    """Write what ``manage.py`` needs to find these services by itself, for our eyes only.

    The keys stay what they were, whatever this run was given: data may be sealed with them.
    """
    addresses = {name: environment[name] for name in ADDRESSES if name in environment}
    kept = {**known, **addresses}
    write_private(LOCAL_ENV_FILE, "".join(f"{name}={value}\n" for name, value in kept.items()))
