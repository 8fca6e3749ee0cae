"""Prometheus, Alertmanager and exporters around a served instance, as they are shipped.

The shipped rules and routes are what is tested: only their times are made short.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import psycopg.conninfo
import yaml

from tests.ready import free_port
from tests.waiting import until

DEPLOY = Path(__file__).parent.parent / "deploy"
PROGRAMS = (
    *("prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter"),
    *("prometheus-node-exporter", "prometheus-postgres-exporter", "prometheus-redis-exporter"),
)
RULE_FILES = ("rules.yml", "unusual.yml")
SCRAPE = "2s"
WINDOW = "20s"
# Not a job: whom the job that probes asks to do so.
BLACKBOX = "blackbox"
_RANGE = re.compile(r"\[\d+[smhd]\]")


def shipped_rules() -> list[dict[str, Any]]:
    """Return every recording and alert rule."""
    files = [(DEPLOY / "prometheus" / name).read_text() for name in RULE_FILES]
    groups = [group for text in files for group in yaml.safe_load(text)["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def shortened(rules: str) -> str:
    """Return the shipped rules with short windows, and without waiting; nothing else changes."""
    groups = yaml.safe_load(rules)
    for rule in (rule for group in groups["groups"] for rule in group["rules"]):
        rule["expr"] = _RANGE.sub(f"[{WINDOW}]", rule["expr"])
        if "alert" in rule:
            rule["for"] = "0s"
    return yaml.safe_dump(groups)


def scraped(targets: Mapping[str, str], *, alertmanager: str) -> str:
    """Return the shipped scrape configuration with these targets, one for each of its jobs."""
    shipped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    shipped["global"] = {
        "scrape_interval": SCRAPE,
        "scrape_timeout": SCRAPE,
        "evaluation_interval": "1s",
    }
    shipped["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    assert {job["job_name"] for job in shipped["scrape_configs"]} | {BLACKBOX} == set(targets)
    for job in shipped["scrape_configs"]:
        job["static_configs"][0]["targets"] = [targets[job["job_name"]]]
        for rule in job.get("relabel_configs", ()):
            if "replacement" in rule:
                rule["replacement"] = targets[BLACKBOX]
    return yaml.safe_dump(shipped)


def routed(receiver: str) -> str:
    """Return the shipped routes with a receiver of ours, and without pauses."""
    shipped = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text()
    shipped = re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", shipped)
    return shipped.replace("http://127.0.0.1:9099", receiver)


@contextlib.contextmanager
def exporters(home: Path, *, database: str, valkey: str) -> Iterator[dict[str, str]]:
    """Run the exporters that are scraped as shipped; yield where each is, by job."""
    database_words = " ".join(
        f"{name}='{value}'" for name, value in psycopg.conninfo.conninfo_to_dict(database).items()
    )
    told = {
        "postgresql": {"DATA_SOURCE_NAME": f"{database_words} sslmode=disable"},
        "valkey": {"REDIS_ADDR": valkey.partition("?")[0]},
        "node": {},
        BLACKBOX: {},
    }
    names = {"postgresql": "postgres", "valkey": "redis"}
    config = f"--config.file={DEPLOY / 'prometheus' / 'blackbox.yml'}"
    with contextlib.ExitStack() as stack:
        at = {}
        for job, environment in told.items():
            name = f"prometheus-{names.get(job, job)}-exporter"
            at[job] = f"127.0.0.1:{free_port()}"
            arguments = [f"--web.listen-address={at[job]}", *([config] if job == BLACKBOX else [])]
            log = home / f"{name}.log"
            stack.enter_context(running(name, *arguments, log=log, **environment))
        yield at


@contextlib.contextmanager
def running(name: str, *arguments: str, log: Path, **environment: str) -> Iterator[None]:
    """Run a program for as long as this block."""
    found = shutil.which(name)
    assert found, f"install {name}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [found, *arguments], cwd=log.parent, stdout=output, stderr=output, env=environment
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


class Prometheus:
    """A real one that scrapes ``targets``, with a real Alertmanager that tells ``receiver``."""

    def __init__(self, home: Path, token: str) -> None:
        self.home = home
        self.url = ""
        (home / "metrics_token").write_text(token)
        for name in RULE_FILES:
            rules = (DEPLOY / "prometheus" / name).read_text()
            (home / name).write_text(shortened(rules))

    @contextlib.contextmanager
    def watching(self, targets: Mapping[str, str], *, receiver: str) -> Iterator[Prometheus]:
        """Watch until the block ends."""
        with contextlib.ExitStack() as stack:
            alerts = f"127.0.0.1:{free_port()}"
            (self.home / "alertmanager.yml").write_text(routed(receiver))
            stack.enter_context(
                running(
                    "prometheus-alertmanager",
                    "--config.file=alertmanager.yml",
                    f"--web.listen-address={alerts}",
                    "--cluster.listen-address=",
                    f"--storage.path={self.home / 'alerts'}",
                    log=self.home / "alertmanager.log",
                )
            )
            until(lambda: _answers(f"http://{alerts}/-/ready"))
            (self.home / "prometheus.yml").write_text(scraped(targets, alertmanager=alerts))
            own = f"127.0.0.1:{free_port()}"
            self.url = f"http://{own}"
            stack.enter_context(
                running(
                    "prometheus",
                    "--config.file=prometheus.yml",
                    f"--web.listen-address={own}",
                    f"--storage.tsdb.path={self.home / 'series'}",
                    log=self.home / "prometheus.log",
                )
            )
            until(lambda: _answers(f"{self.url}/-/ready"))
            yield self

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return what a query answers now."""
        asked = urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{asked}", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False
