"""What deploy/ says about backups is right: its times are times, its commands are commands."""

from __future__ import annotations

import configparser
import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from croniter import croniter  # type: ignore[import-untyped]  # without stubs
from django.conf import settings
from django.core.management import get_commands, load_command_class

from core import tasks
from tests.services import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*"))
CRONTAB = DEPLOY / "cron" / "strongroom-backups"
KUBERNETES = DEPLOY / "kubernetes" / "backups.yaml"
WANTED = {"backup_create", "backup_prune", "backup_verify", "wal_receive"}


def _require_command(words: list[str]) -> str:
    """Parse ``manage.py COMMAND ...`` with the command's own parser; return its name."""
    name, *arguments = words
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)
    return name


def _unit(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # keys of units have capitals
    unit.read_string(path.read_text(encoding="utf-8"))
    return unit


def test_systemd_units_run_what_there_is():
    services = {path.stem: _unit(path) for path in UNITS if path.suffix == ".service"}
    started = {
        _require_command(unit["Service"]["ExecStart"].split("manage.py ")[1].split())
        for unit in services.values()
    }
    assert started == WANTED
    for path in UNITS:
        if path.suffix == ".timer":
            assert path.stem in services
            assert re.fullmatch(
                r"(Sun )?\*-\*-\* [0-9,]+:[0-9]{2}:00 UTC", _unit(path)["Timer"]["OnCalendar"]
            )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("path", [p for p in UNITS if p.suffix == ".timer"], ids=lambda p: p.stem)
def test_systemd_understands_the_times(path: Path):
    when = _unit(path)["Timer"]["OnCalendar"]
    subprocess.run(["systemd-analyze", "calendar", when], check=True, capture_output=True)


def test_cron_lines_are_times_a_user_and_a_command():
    assert _started_by(CRONTAB) == WANTED - {"wal_receive"}
    assert _started_by(CRONTAB.with_name("strongroom-security")) == {"security_audit"}


def _started_by(crontab: Path) -> set[str]:
    lines = [line for line in crontab.read_text().splitlines() if re.match(r"[0-9*]", line)]
    started = set()
    for line in lines:
        *when, user, rest = line.split(None, 6)
        assert croniter.is_valid(" ".join(when))
        assert user == "strongroom"
        started.add(_require_command(rest.split("manage.py ")[1].split()))
    return started


def test_kubernetes_runs_what_there_is_without_rights():
    started = set()
    for document in yaml.safe_load_all(KUBERNETES.read_text()):
        spec = document["spec"]
        if document["kind"] == "CronJob":
            assert croniter.is_valid(spec["schedule"])
            assert spec["concurrencyPolicy"] == "Forbid"
            spec = spec["jobTemplate"]["spec"]
        pod = spec["template"]["spec"]
        (container,) = pod["containers"]
        assert container["command"][:2] == ["python", "manage.py"]
        started.add(_require_command(container["command"][2:]))
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
    assert started == WANTED


@pytest.mark.skipif(not shutil.which("pgbackrest"), reason="pgbackrest is not installed")
def test_pgbackrest_reads_its_configuration(tmp_path: Path):
    text = (DEPLOY / "pgbackrest" / "pgbackrest.conf").read_text()
    text = text.replace("/var/", f"{tmp_path}/").replace("/srv/", f"{tmp_path}/")
    info = _pgbackrest(tmp_path, text, "info")
    assert (info.returncode, info.stderr) == (0, "")
    assert "stanza: strongroom" in info.stdout
    # It gets as far as looking for what `stanza-create` makes.
    backup = _pgbackrest(tmp_path, text, "backup")
    assert "has a stanza-create been performed?" in backup.stderr
    assert "invalid" not in backup.stdout + backup.stderr
    for right, wrong in (("compress-type=zst", "compress-type=best"), ("pg1-port", "pg1-prot")):
        broken = _pgbackrest(tmp_path, text.replace(right, wrong), "backup")
        said = broken.stdout + broken.stderr
        assert "invalid" in said or "is not allowed" in said


def _pgbackrest(folder: Path, text: str, command: str) -> subprocess.CompletedProcess[str]:
    (folder / "pgbackrest.conf").write_text(text)
    return subprocess.run(
        ["pgbackrest", f"--config={folder}/pgbackrest.conf", "--stanza=strongroom", command],
        env={**os.environ, "PGBACKREST_REPO1_CIPHER_PASS": "only-for-this-test"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("task", "command"),
    [
        (tasks.take_backup, (("backup_create",), {})),
        (tasks.prune_backups, (("backup_prune",), {})),
        (tasks.prove_backup, (("backup_verify",), {"drill": True})),
    ],
    ids=["take", "prune", "prove"],
)
def test_worker_takes_backups_only_where_it_is_told_to(monkeypatch, task, command):
    ran: list[Any] = []
    monkeypatch.setattr(tasks, "call_command", lambda *args, **options: ran.append((args, options)))
    task(timestamp=0)
    assert ran == []
    told = dataclasses.replace(settings.ENV, backups_by=tasks.WORKER)
    monkeypatch.setattr(settings, "ENV", told)
    task(timestamp=0)
    assert ran == [command]
