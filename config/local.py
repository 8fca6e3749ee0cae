"""Run everything on one machine: ``python -m config.local run`` and ``... exec -- COMMAND``.

``run`` starts PostgreSQL, Valkey, the web server and the worker, and stops them together.
``exec`` starts the two services if they do not run, runs one command, and stops what it started.
``DATABASE_URL`` and ``REDIS_URL``, when set, are used instead of services of our own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import psycopg

from config.env import BASE_DIR, LOCAL_ENV_FILE, local_values, over_local_values
from core.embedded import binaries
from core.embedded.errors import EmbeddedServiceError
from core.embedded.postgres import OWNER_ROLE, PostgresCluster
from core.embedded.private_files import write_private
from core.embedded.valkey import ValkeyServer
from core.encryption_keys import make_key

VAR: Final = BASE_DIR / "var"
FIRST_STAFF_EMAIL: Final = "staff@example.org"
READY_TIMEOUT_S: Final = 60
STOP_TIMEOUT_S: Final = 35
PR_SET_PDEATHSIG: Final = 1


class Stopped(Exception):
    """SIGINT or SIGTERM arrived."""


def main(arguments: list[str]) -> int:
    """Run the sub-command; a fault is one sentence on standard error and exit code 1."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _raise_stopped)
    try:
        if arguments == ["run"]:
            return run()
        if arguments[:2] == ["exec", "--"] and len(arguments) > 2:  # noqa: PLR2004 - "exec", "--" and a command
            with services() as environment:
                return subprocess.call(arguments[2:], env=environment, cwd=BASE_DIR)  # noqa: S603 - the operator's own command
    except Stopped:
        return 0
    except (EmbeddedServiceError, OSError, psycopg.Error) as exc:
        print(f"strongroom: {_sentence(exc)}", file=sys.stderr)  # noqa: T201 - said to a person
        return 1
    print("usage: python -m config.local run | exec -- COMMAND", file=sys.stderr)  # noqa: T201 - said to a person
    return 2


def run() -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    started = time.monotonic()
    host = os.environ.get("HOST", "127.0.0.1")
    port = _port(os.environ.get("PORT", "8000"))
    _require_folder(VAR)
    with _only_one(VAR / "run.lock"), services() as environment:
        _require_free(host, port)
        url = f"http://{host}:{port}"
        environment.setdefault("PUBLIC_URL", url)
        environment.update(HOST=host, PORT=str(port))
        _prepare(environment)
        with _children(environment) as children:
            _await_ready(url, children)
            _say(url, environment, time.monotonic() - started)
            return _watch(children)


@contextlib.contextmanager
def services() -> Iterator[dict[str, str]]:
    """Start the services that no variable points elsewhere; yield the environment to use them.

    Services that run already, because ``make run`` is up, are used and left running.
    """
    _require_folder(VAR)
    environment = over_local_values(os.environ, _remembered())
    started: list[PostgresCluster | ValkeyServer] = []
    try:
        if "DATABASE_URL" not in os.environ:
            cluster = local_cluster()
            if not cluster.is_running():
                started.append(cluster)
            cluster.start()
            environment["DATABASE_URL"] = cluster.url()
            environment["DATABASE_OWNER_URL"] = cluster.url(OWNER_ROLE)
        if "REDIS_URL" not in os.environ:
            valkey = local_valkey()
            if not valkey.is_running():
                started.append(valkey)
            valkey.start()
            environment["REDIS_URL"] = valkey.url
        _remember(environment)
        yield environment
    finally:
        for service in reversed(started):
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


def _prepare(environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", "prepare", "--first-staff", FIRST_STAFF_EMAIL],
        env=environment,
        cwd=BASE_DIR,
        check=False,
    )
    if done.returncode != 0:
        raise EmbeddedServiceError("The database could not be prepared; the reason is above.")


@contextlib.contextmanager
def _children(environment: dict[str, str]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run web server and worker; stop them, each in its own time, at the end."""
    commands = {
        "web server": ["-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"],
        "worker": ["manage.py", "procrastinate", "worker"],
    }
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            running[name] = subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, *command],
                env=environment,
                cwd=BASE_DIR,
                stdin=subprocess.DEVNULL,
                # Ctrl-C reaches the whole terminal group; they are to hear of it from us.
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads here
            )
        yield running
    finally:
        for process in running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(url: str, children: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        _require_alive(children)
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310 - http on our own host
                return
        except OSError:
            time.sleep(0.05)
    raise EmbeddedServiceError(f"The service did not become ready in {READY_TIMEOUT_S} s.")


def _watch(children: dict[str, subprocess.Popen[bytes]]) -> int:
    while True:
        _require_alive(children)
        time.sleep(0.5)


def _require_alive(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in children.items():
        if process.poll() is not None:
            raise EmbeddedServiceError(
                f"The {name} ended by itself with exit code {process.returncode}; all is stopped."
            )


def _say(url: str, environment: dict[str, str], took_s: float) -> None:
    admin = environment.get("ADMIN_PATH", "admin")
    print(  # noqa: T201 - said to a person
        f"\nStrongroom is ready after {took_s:.1f} s. Ctrl-C stops it; the data stays.\n"
        f"  API docs   {url}/api/v1/docs/\n"
        f"  Redoc      {url}/api/v1/redoc/\n"
        f"  Admin      {url}/{admin}/\n"
        f"  Health     {url}/health/ready\n"
        f"  Metrics    {url}/metrics  (bearer token: METRICS_TOKEN in var/local.env)\n",
        flush=True,
    )


def _remembered() -> dict[str, str]:
    """Return the file of generated settings, made on first use."""
    known = local_values()
    known.setdefault("ENVIRONMENT", "development")
    known.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    known.setdefault("ENCRYPTION_KEYS", make_key())
    known.setdefault("METRICS_TOKEN", secrets.token_urlsafe(24))
    return known


def _remember(environment: dict[str, str]) -> None:
    """Write what ``manage.py`` needs to find these services by itself, for our eyes only."""
    names = (
        "ENVIRONMENT",
        "SECRET_KEY",
        "ENCRYPTION_KEYS",
        "METRICS_TOKEN",
        "DATABASE_URL",
        "DATABASE_OWNER_URL",
        "REDIS_URL",
    )
    text = "".join(f"{name}={environment[name]}\n" for name in names if environment.get(name))
    write_private(LOCAL_ENV_FILE, text)


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[IO[str]]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise EmbeddedServiceError("Strongroom runs already from this folder.") from exc
        yield file


def _require_folder(folder: Path) -> None:
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


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise EmbeddedServiceError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise EmbeddedServiceError(
                f"Port {port} on {host} cannot be used ({exc.strerror}): "
                "stop what uses it, or choose another, as in PORT=8001 make run."
            ) from exc


def _sentence(exc: Exception) -> str:
    if isinstance(exc, OSError):
        where = f" ({exc.filename})" if exc.filename else ""
        return f"{exc.strerror or exc}{where}."
    return str(exc).splitlines()[0]


def _die_with_parent() -> None:
    """Let the kernel end this child if we are killed without a chance to stop it (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _raise_stopped(_number: int, _frame: object) -> None:
    # Once: a second signal during the clean-up must not interrupt it.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
