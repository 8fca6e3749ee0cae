"""Alerts that fire, stay silent, name what is measured, and say what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from django.conf import settings
from django.test import Client

from tests.monitoring import RULE_FILES, shipped_rules

ROOT = Path(__file__).parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
DATADOG = ROOT / "deploy" / "datadog"
ALERTMANAGER = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
ALERTS = [rule for rule in shipped_rules() if "alert" in rule]
EXPRESSIONS = [rule["expr"] for rule in shipped_rules()]


def _run(program: str, *arguments: str) -> str:
    found = shutil.which(program)
    assert found, f"install {program}"
    done = subprocess.run(
        [found, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_alert_fires_and_stays_silent():
    files = [name.replace(".yml", "_test.yml") for name in RULE_FILES]
    tests = "".join((PROMETHEUS / name).read_text() for name in files)
    for alert in ALERTS:
        assert f"name: {alert['alert']} fires\n" in tests
        assert f"name: {alert['alert']} stays silent\n" in tests
    _run("promtool", "check", "rules", *RULE_FILES)
    _run("promtool", "test", "rules", *files)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_has_a_page_that_names_it(alert):
    page = ROOT / alert["annotations"]["runbook"]
    assert page.read_text().startswith(f"# {alert['alert']}\n")
    assert f"({page.name})" in (page.parent / "README.md").read_text()
    assert alert["labels"]["severity"] in ("page", "ticket")


@pytest.mark.django_db
def test_rules_speak_only_of_what_is_measured():
    token = {"Authorization": f"Bearer {settings.ENV.metrics_token}"}
    exported = Client().get("/metrics", headers=token).content.decode()
    known = set(re.findall(r"^# TYPE (\S+) ", exported, re.MULTILINE))
    named = {
        name for text in EXPRESSIONS for name in re.findall(r"(?:strongroom|django)_\w+", text)
    }
    named = {re.sub(r"_bucket$", "", name) for name in named}
    assert len(named) > 15
    assert named - known == set()


def test_prometheus_takes_what_is_shipped(tmp_path):
    for shipped in ("prometheus.yml", *RULE_FILES):
        (tmp_path / shipped).write_text((PROMETHEUS / shipped).read_text())
    (tmp_path / "metrics_token").write_text("test-metrics")
    _run("promtool", "check", "config", str(tmp_path / "prometheus.yml"))


@pytest.mark.parametrize(("severity", "receiver"), [("page", "on-call"), ("ticket", "team")])
def test_alerts_reach_those_they_should(severity, receiver):
    _run("amtool", "check-config", str(ALERTMANAGER))
    said = _run(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={ALERTMANAGER}",
        f"severity={severity}",
    )
    assert said.strip() == receiver


@pytest.mark.django_db
def test_exported_numbers_are_well_formed():
    token = {"Authorization": f"Bearer {settings.ENV.metrics_token}"}
    exported = Client().get("/metrics", headers=token).content
    ours = b"\n".join(line for line in exported.splitlines() if b"strongroom_" in line) + b"\n"
    found = shutil.which("promtool")
    assert found
    done = subprocess.run([found, "check", "metrics"], input=ours, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.django_db
def test_recipes_of_an_agent_name_what_is_there():
    (scrape,) = yaml.safe_load((DATADOG / "openmetrics.yaml").read_text())["instances"]
    sent = scrape["auth_token"]["writer"]
    token = sent["value"].replace("<TOKEN>", settings.ENV.metrics_token)
    path = urlsplit(scrape["openmetrics_endpoint"]).path
    answer = Client().get(path, headers={sent["name"]: token})
    assert answer.status_code == 200
    assert f"# TYPE {scrape['raw_metric_prefix']}http_requests_total counter" in answer.text
    otlp = yaml.safe_load((DATADOG / "otlp.yaml").read_text())["otlp_config"]
    address = otlp["receiver"]["protocols"]["http"]["endpoint"]
    told = (ROOT / "docs" / "apm.md").read_text()
    assert f"OTLP_ENDPOINT=http://{address} " in told
    for setting in re.findall(r"\b(?:OTLP|TRACE|SENTRY)_[A-Z]+\b", told):
        assert hasattr(settings.ENV, setting.lower())


@pytest.mark.django_db
def test_states_are_counted_at_the_scrape():
    token = {"Authorization": f"Bearer {settings.ENV.metrics_token}"}
    exported = Client().get("/metrics", headers=token).content.decode()
    for line in ("strongroom_database_up 1.0", "strongroom_cache_up 1.0"):
        assert line in exported
    # The first theft is a rise only from a zero that was told.
    assert 'strongroom_events_total{topic="session.reuse_detected"}' in exported
    assert re.search(r"^strongroom_partition_months_ahead [3-9]", exported, re.MULTILINE)
