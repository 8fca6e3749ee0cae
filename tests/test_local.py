"""``make run`` in real processes: up, one sentence when it cannot, everything down again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from core.embedded import binaries
from tests.serving import free_port

ROOT = Path(__file__).parent.parent
COPIED = ("accounts", "config", "core", "sessions_app", "templates", "transactions", "manage.py")
WAIT_S = 60


@pytest.fixture
def checkout(tmp_path: Path):
    """A copy of the code with an empty var/, reachable for the servers' user."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid():
            path.chmod(path.stat().st_mode | 0o011)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    yield folder
    home = binaries.service_home(folder / "var" / "postgres", binaries.service_identity())
    if home.parent == binaries.SHARED_HOME:
        shutil.rmtree(home, ignore_errors=True)


def _environment(port: int) -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "PORT": str(port)}


def _start(checkout: Path, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "config.local", "run"],
        cwd=checkout,
        env=_environment(port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _until_ready(process: subprocess.Popen[str]) -> str:
    """Read until the URLs are printed; return what was said."""
    assert process.stdout is not None
    said, deadline = "", time.monotonic() + WAIT_S
    while "Metrics" not in said:
        line = process.stdout.readline()
        assert line, said
        assert time.monotonic() < deadline, said
        said += line
    return said


def _processes_of(checkout: Path) -> list[str]:
    """Return the command lines that run from this checkout."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            here = (entry / "cwd").readlink() == checkout
        except OSError:
            continue
        if str(checkout) in command or here:
            found.append(command)
    return found


def _stop(process: subprocess.Popen[str], number: int) -> int:
    process.send_signal(number)
    process.communicate(timeout=WAIT_S)
    return process.returncode


def test_run_stop_and_run_again_with_the_data_still_there(checkout):
    port = free_port()
    first = _start(checkout, port)
    said = _until_ready(first)
    assert "One-time password (shown only now):" in said
    base = f"http://127.0.0.1:{port}"
    for path in ("/health/ready", "/api/v1/docs/", "/api/v1/redoc/", "/admin/login/"):
        assert f"{base}{path}".removesuffix("login/") in said
        with urllib.request.urlopen(f"{base}{path}") as answer:
            assert answer.status == 200

    refused = subprocess.run(
        [sys.executable, "-m", "config.local", "run"],
        cwd=checkout,
        env=_environment(free_port()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "runs already" in refused.stderr

    used = subprocess.run(
        [
            sys.executable,
            "-m",
            "config.local",
            "exec",
            "--",
            sys.executable,
            "manage.py",
            "ledger_verify",
        ],
        cwd=checkout,
        env=_environment(port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert used.returncode == 0, used.stderr
    assert _stop(first, signal.SIGINT) == 0
    assert _processes_of(checkout) == []

    second = _start(checkout, port)
    assert "One-time password" not in _until_ready(second)
    assert _stop(second, signal.SIGTERM) == 0
    assert _processes_of(checkout) == []
    assert (checkout / "var" / "local.env").stat().st_mode & 0o077 == 0


def test_dead_child_brings_everything_down(checkout):
    process = _start(checkout, free_port())
    _until_ready(process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    worker = next(
        int(pid)
        for pid in children
        if b"procrastinate" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(worker, signal.SIGKILL)
    said, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "The worker ended by itself" in said
    assert _processes_of(checkout) == []


def _refusal(checkout: Path, port: int, **changes: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "config.local", "run"],
        cwd=checkout,
        env={**_environment(port), **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("strongroom: ")
    assert done.stderr.count("\n") == 1
    assert _processes_of(checkout) == []
    return done.stderr


def test_taken_port_is_one_sentence(checkout):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port}" in _refusal(checkout, port)


def test_senseless_port_is_one_sentence(checkout):
    assert "PORT must be a number" in _refusal(checkout, 1, PORT="eighty")


def test_broken_var_is_one_sentence(checkout):
    (checkout / "var").write_text("not a folder")
    assert "is a file: move it away" in _refusal(checkout, free_port())


def test_unreachable_database_url_is_told(checkout):
    done = subprocess.run(
        [sys.executable, "-m", "config.local", "run"],
        cwd=checkout,
        env={**_environment(free_port()), "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "p@127" not in done.stderr
    assert _processes_of(checkout) == []
