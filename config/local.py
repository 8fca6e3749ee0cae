"""Run everything on one machine: ``python -m config.local run`` and ``... exec -- COMMAND``.

``run`` starts PostgreSQL, Valkey, the web server and the worker, and stops them together.
``exec`` runs one command beside the two services and returns its exit code.
``DATABASE_URL`` and ``REDIS_URL``, when set, are used instead of services of our own.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import psycopg
from django.core.exceptions import ImproperlyConfigured

from config.given import BASE_DIR
from config.local_services import VAR, require_folder, services
from core.embedded.errors import EmbeddedServiceError

FIRST_STAFF_EMAIL: Final = "staff@example.org"
READY_TIMEOUT_S: Final = 60
STOP_TIMEOUT_S: Final = 35
PR_SET_PDEATHSIG: Final = 1
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# What a shell says of a command that a signal ended: 128 and the signal's number.
SIGNAL_EXIT_BASE: Final = 128
# Where to ask a server that listens everywhere.
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - not bound to, only compared


class Stopped(Exception):
    """SIGINT, SIGTERM or SIGHUP arrived."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: list[str]) -> int:
    """Run the sub-command; a fault is said on standard error and is exit code 1."""
    for number in STOP_SIGNALS:
        signal.signal(number, _raise_stopped)
    try:
        if arguments == ["run"]:
            return run()
        if arguments[:2] == ["exec", "--"] and len(arguments) > 2:  # noqa: PLR2004 - "exec", "--" and a command
            return execute(arguments[2:])
    except Stopped:
        return 0
    except (EmbeddedServiceError, ImproperlyConfigured, OSError, psycopg.Error) as exc:
        print(f"strongroom: {_said(exc)}", file=sys.stderr)  # noqa: T201 - said to a person
        return 1
    print("usage: python -m config.local run | exec -- COMMAND", file=sys.stderr)  # noqa: T201 - said to a person
    return 2


def run() -> int:
    """Serve until a signal ends it; return the exit code."""
    started = time.monotonic()
    host = os.environ.get("HOST", "127.0.0.1")
    port = _port(os.environ.get("PORT", "8000"))
    require_folder(VAR)
    with _only_one(VAR / "run.lock"), services() as environment:
        _require_free(host, port)
        url = _url(EVERYWHERE.get(host, host), port)
        environment.setdefault("PUBLIC_URL", url)
        # No balancer here that would have to notice.
        environment.setdefault("STOP_DELAY_S", "0")
        environment.update(HOST=host, PORT=str(port))
        _prepare(environment)
        with _children(environment) as children:
            _await_ready(url, environment, children)
            _say(url, environment, time.monotonic() - started)
            return _watch(children)


def execute(command: Sequence[str]) -> int:
    """Run ``command`` beside the services; return its exit code, also when a signal ends it."""
    with services() as environment:
        process = subprocess.Popen(command, env=environment, cwd=BASE_DIR)  # noqa: S603 - the operator's own command
        try:
            code = process.wait()
        except Stopped as stopped:
            # Ctrl-C at a terminal has reached the command already; twice would cut its clean-up.
            if stopped.number != signal.SIGINT or not sys.stdin.isatty():
                process.send_signal(stopped.number)
            code = process.wait()
    return code if code >= 0 else SIGNAL_EXIT_BASE - code


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
        "worker": ["manage.py", "worker"],
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


def _await_ready(
    url: str, environment: dict[str, str], children: dict[str, subprocess.Popen[bytes]]
) -> None:
    # Our own host is never behind the proxy that the machine may use for others.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    question = urllib.request.Request(f"{url}/health/ready")  # noqa: S310 - http on our own host
    allowed = environment.get("ALLOWED_HOSTS", "").split(",")[0].strip()
    if allowed:
        question.add_header("Host", allowed)
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        _require_alive(children)
        try:
            with direct.open(question, timeout=5):
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
        "  Mails      var/mail (one file for each)\n"
        f"  Metrics    {url}/metrics  (bearer token: METRICS_TOKEN in var/local.env)\n",
        flush=True,
    )


@contextlib.contextmanager
def _only_one(lock: Path) -> Iterator[IO[str]]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise EmbeddedServiceError("Strongroom runs already from this folder.") from exc
        yield file


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**16):
        raise EmbeddedServiceError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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


def _said(exc: Exception) -> str:
    if isinstance(exc, OSError):
        where = f" ({exc.filename})" if exc.filename else ""
        return f"{exc.strerror or exc}{where}."
    if isinstance(exc, ImproperlyConfigured):
        return str(exc)
    return str(exc).splitlines()[0]


def _die_with_parent() -> None:
    """Let the kernel end this child if we are killed without a chance to stop it (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _raise_stopped(number: int, _frame: object) -> None:
    # Once: a second signal during the clean-up must not interrupt it.
    for signum in STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    raise Stopped(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
