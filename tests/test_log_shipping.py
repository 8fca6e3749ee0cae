"""The shipped ways of lines to a central place: parsed as their programs parse them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

LOGS = Path(__file__).parent.parent / "deploy" / "logs"
LINE_AT = "2026-11-21T11:08:59.948150Z"
FILES = "/var/log/strongroom/*.log"


def test_logrotate_takes_the_shipped_file(tmp_path):
    found = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/sbin")
    if found is None:
        pytest.skip("logrotate is not installed; .ci/run installs it")
    shipped = (LOGS / "logrotate.conf").read_text().replace("/var/log/strongroom", str(tmp_path))
    (tmp_path / "conf").write_text(shipped)
    (tmp_path / "conf").chmod(0o600)
    (tmp_path / "a.log").write_text("{}\n")
    arguments = ["--force", "--state", str(tmp_path / "state"), str(tmp_path / "conf")]
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "a.log").exists()
    (rotated,) = tmp_path.glob("a.log-*")
    assert rotated.read_text() == "{}\n"


def test_lines_of_two_instances_meet_under_one_request(tmp_path):
    """The real rsyslog, as shipped but for its places, and a collector on loopback."""
    found = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin")
    if found is None:
        pytest.skip("rsyslog is not installed; .ci/run installs it")
    written = [
        {
            "event": event,
            "request_id": request_id,
            "at": LINE_AT,
            "text": "Zoë\n\t%msg%" + "x" * 9_000,
        }
        for event, request_id in (("request", "a"), ("job", "a"), ("request", "b"))
    ]
    with socket.create_server(("127.0.0.1", 0)) as collector:
        collector.settimeout(20)
        shipped = (LOGS / "rsyslog.conf").read_text()
        shipped = shipped.replace("/var/log/strongroom", str(tmp_path))
        shipped = shipped.replace('target="logs.example" port="6514"', _at(collector))
        (tmp_path / "conf").write_text(f'global(workDirectory="{tmp_path}")\n{shipped}')
        for place, name in ((0, "web.log"), (1, "worker.log")):
            (tmp_path / name).write_text(json.dumps(written[place], ensure_ascii=False) + "\n")
        with _running(found, tmp_path), collector.accept()[0] as connection:
            connection.settimeout(20)
            with (tmp_path / "web.log").open("a") as web:
                web.write(json.dumps(written[2]) + "\n")
            with connection.makefile(encoding="utf-8") as lines:
                read = [json.loads(next(lines)) for _ in written]
    assert sorted(read, key=str) == sorted(written, key=str)
    of_a = {line["event"] for line in read if line["request_id"] == "a"}
    assert of_a == {"request", "job"}


def _at(collector: socket.socket) -> str:
    return f'target="127.0.0.1" port="{collector.getsockname()[1]}"'


@contextlib.contextmanager
def _running(program: str, folder: Path) -> Iterator[None]:
    arguments = ["-n", "-f", str(folder / "conf"), "-i", str(folder / "pid")]
    process = subprocess.Popen([program, *arguments], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def test_vector_reads_what_it_sends():
    shipped = yaml.safe_load((LOGS / "vector.yaml").read_text())
    known = {*shipped["sources"], *shipped["transforms"]}
    for part in (*shipped["transforms"].values(), *shipped["sinks"].values()):
        assert set(part["inputs"]) <= known
    (source,) = shipped["sources"].values()
    assert source["include"] == [FILES]


def test_fluent_bit_finds_its_parser_and_the_time():
    shipped = yaml.safe_load((LOGS / "fluent-bit.yaml").read_text())
    (tail,) = shipped["pipeline"]["inputs"]
    parser = (LOGS / shipped["service"]["parsers_file"]).read_text()
    assert re.search(rf"Name\s+{tail['parser']}\n", parser)
    assert tail["path"] == FILES
    assert re.search(r"Time_Key\s+at\n", parser)
    tags = {part["match"] for part in shipped["pipeline"]["outputs"]}
    assert tags == {tail["tag"]}


def test_cloudwatch_reads_the_time_of_a_line():
    shipped = json.loads((LOGS / "cloudwatch-agent.json").read_text())
    (entry,) = shipped["logs"]["logs_collected"]["files"]["collect_list"]
    assert entry["file_path"] == FILES
    read = dt.datetime.strptime(LINE_AT, entry["timestamp_format"])  # noqa: DTZ007 - only its form
    assert read.year == 2026
