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
from tests.ready import free_port

ROOT = Path(__file__).parent.parent
COPIED = ("accounts", "config", "core", "sessions_app", "templates", "transactions", "manage.py")
WAIT_S = 180


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
            # With what is compiled, save what another process is about to write.
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        else:
            shutil.copy2(source, folder / name)
    yield folder
    home = binaries.service_home(folder / "var" / "postgres", binaries.service_identity())
    if home.parent == binaries.SHARED_HOME:
        shutil.rmtree(home, ignore_errors=True)


def _environment(port: int) -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE")
    return {**{name: os.environ[name] for name in kept if name in os.environ}, "PORT": str(port)}


def _start(checkout: Path, port: int, **changes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "config.local", "run"],
        cwd=checkout,
        env={**_environment(port), **changes},
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
        if b"manage.py\0worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
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
    assert "Traceback" not in done.stderr
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


def test_damaged_settings_are_told_before_anything_starts(checkout):
    assert "WEB_WORKERS must be at least 1" in _refusal(checkout, free_port(), WEB_WORKERS="0")
    assert not list((checkout / "var").glob("postgres*"))
    (checkout / "var" / "local.env").write_bytes(b"\xff\xfe=1")
    assert "local.env is damaged" in _refusal(checkout, free_port())


def test_database_named_by_a_file_is_used_and_the_kept_keys_stay(checkout, tmp_path):
    _executed(checkout, "true")
    kept = (checkout / "var" / "local.env").read_text()
    named = tmp_path / "database-url"
    named.write_text("postgresql://u:p@127.0.0.1:1/x\n")
    secret = tmp_path / "secret"
    secret.write_text("s" * 60)
    code = "import os; print(os.environ.get('DATABASE_URL'), os.environ.get('SECRET_KEY'))"
    done = _executed(
        checkout,
        *(sys.executable, "-c", code),
        DATABASE_URL_FILE=str(named),
        SECRET_KEY_FILE=str(secret),
    )
    assert done.stdout.split() == ["None", "None"], done.stderr
    now = (checkout / "var" / "local.env").read_text()
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "METRICS_TOKEN"):
        assert _line(now, name) == _line(kept, name)


def test_services_end_with_the_last_who_uses_them(checkout):
    """Two commands overlap; the first to end must not stop what the second still needs."""
    ask = (
        "import os, psycopg, sys; print('up', flush=True); sys.stdin.readline(); "
        "print(psycopg.connect(os.environ['DATABASE_URL']).execute('SELECT 1').fetchone()[0])"
    )
    first, second = (_begin(checkout, sys.executable, "-c", ask) for _ in range(2))
    for process in (first, second):
        _until_up(process)
    for process in (first, second):
        said, _ = process.communicate("go\n", timeout=WAIT_S)
        assert (process.returncode, said) == (0, "1\n")
    assert _processes_of(checkout) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_reaches_the_command_and_its_exit_code_comes_back(checkout, number):
    wait = (
        "import signal, sys; "
        f"signal.signal({int(number)}, lambda *_: sys.exit(7)); "
        "print('up', flush=True); signal.pause()"
    )
    process = _begin(checkout, sys.executable, "-c", wait)
    _until_up(process)
    process.send_signal(number)
    process.communicate(timeout=WAIT_S)
    assert process.returncode == 7
    assert _processes_of(checkout) == []


def test_exit_code_of_a_command_is_ours(checkout):
    assert _executed(checkout, sys.executable, "-c", "raise SystemExit(5)").returncode == 5
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert _executed(checkout, sys.executable, "-c", killed).returncode == 128 + signal.SIGKILL


def test_ready_is_told_behind_a_proxy_on_every_address_and_ends_with_the_terminal(checkout):
    """The machine's proxy, HOST=0.0.0.0 and a host name of one's own do not hide readiness."""
    process = _start(
        checkout,
        free_port(),
        HOST="0.0.0.0",
        ALLOWED_HOSTS="money.example",
        http_proxy="http://127.0.0.1:1",
    )
    assert "http://127.0.0.1:" in _until_ready(process)
    assert _stop(process, signal.SIGHUP) == 0
    assert _processes_of(checkout) == []


def _line(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"{name}="))


def _begin(checkout: Path, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "config.local", "exec", "--", *command],
        cwd=checkout,
        env=_environment(free_port()),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _until_up(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


def _executed(checkout: Path, *command: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.local", "exec", "--", *command],
        cwd=checkout,
        env={**_environment(free_port()), **changes},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_S,
    )


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
