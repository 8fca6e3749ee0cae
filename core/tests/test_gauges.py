"""States in the metrics: what waits, what failed, what rests."""

from __future__ import annotations

import pytest
from django.db import connection
from prometheus_client import REGISTRY, generate_latest

from core import gauges, metrics, tasks

pytestmark = pytest.mark.django_db


def _value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"strongroom_{name}", labels)


def test_queue_is_measured_and_an_empty_one_is_zero():
    tasks.send_webhooks.defer(endpoint_id="x", user_id="y")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - interval '90 seconds' "
            "WHERE type = 'deferred'"
        )
    gauges.measure()
    assert _value("jobs_waiting", queue="webhooks") == 1
    assert _value("jobs_oldest_seconds", queue="webhooks") == pytest.approx(90, abs=5)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed'")
    gauges.measure()
    assert _value("jobs_waiting", queue="webhooks") == 0
    assert _value("jobs_failed", queue="webhooks") == 1
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    gauges.measure()
    assert _value("jobs_failed", queue="webhooks") == 0


def test_worker_says_nothing_of_states_that_it_does_not_measure():
    metrics.JOBS.labels(task="x", outcome="succeeded").inc()
    shown = generate_latest(metrics.counted()).decode()
    assert 'strongroom_jobs_total{outcome="succeeded",task="x"}' in shown
    for state in ("database_up", "cache_up", "partition_months_ahead", "dead_letters"):
        assert f"strongroom_{state}" in generate_latest(REGISTRY).decode()
        assert f"strongroom_{state}" not in shown
