"""One trace from the request through the database and the job to the webhook."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from procrastinate.contrib.django import app

from core import cache, context, jobs, mail, outbound, tracing
from core.models import OutboxEvent
from sessions_app.services import start_session
from tests import test_webhooks
from tests.http import posting
from tests.people import make_person
from transactions.tests.money import open_account

ROOT = Path(__file__).parent.parent
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
# What is on with a setting must cost nothing without it.
OFF = """
import os, sys, django
django.setup()
from django.core.wsgi import get_wsgi_application
from core import crash_reports, tracing
get_wsgi_application()
tracing.start(); crash_reports.start()
assert tracing.span("x") is tracing.span("y")
ours = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "sentry_sdk")
print([name for name in sys.modules if name.startswith(ours)])
"""


@pytest.fixture
def spans():
    """Trace into memory; returns how to read the finished spans."""
    exporter = InMemorySpanExporter()
    tracing.start(SimpleSpanProcessor(exporter))
    yield exporter.get_finished_spans
    tracing.stop()


def _of_trace(found) -> dict[str, int]:
    names: dict[str, int] = {}
    for span in found:
        if f"{span.context.trace_id:032x}" == TRACE:
            names[span.name] = names.get(span.name, 0) + 1
    return names


def test_off_imports_nothing():
    done = subprocess.run(
        [sys.executable, "-c", OFF], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.usefixtures("committed_db", "loopback_allowed")
def test_one_trace_from_request_to_webhook(spans, peer):
    ada = make_person("ada@example.org")
    source, target = open_account(ada.principal, balance=10), open_account(ada.principal)
    _, token = start_session(user=ada.user)
    test_webhooks.listen(peer, topics=["transaction.posted"])
    answer = Client().post(
        "/api/v1/transactions/",
        posting(str(source), str(target), 1),
        content_type="application/json",
        headers={
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": "trace-me",
            "traceparent": PARENT,
        },
    )
    assert answer.status_code == 201
    event = OutboxEvent.objects.get(object_id=answer.json()["id"], topic="transaction.posted")
    assert event.traceparent[3:35] == TRACE
    test_webhooks.send_all()
    ((*_, headers, _),) = peer.seen
    assert headers["traceparent"][3:35] == TRACE
    names = _of_trace(spans())
    assert names["POST api/v1/transactions/"] == 1
    assert names["postgresql"] > 2
    assert names["webhook"] == names["POST out"] == 1
    told = [str(dict(span.attributes or {})) for span in spans()]
    assert not [text for text in told if token in text or str(source) in text]


@pytest.mark.django_db
def test_job_and_cache_are_in_the_trace_of_their_request(spans):
    with (
        context.entered(context.Context(request_id="request-1")),
        tracing.span("request", kind="server", parent=PARENT),
    ):
        cache.put("x", b"1", ttl_s=5)
        asked = jobs.origin()
    job = types.SimpleNamespace(
        task_name=mail.JOB, task_kwargs={"sealed": "x", **asked}, id=1, attempts=0
    )
    known: Any = types.SimpleNamespace(job=job, task=app.tasks[mail.JOB])
    seen = []
    jobs.in_context(lambda: seen.append(context.current().request_id), known, None)
    assert seen == ["request-1"]
    assert job.task_kwargs == {"sealed": "x"}
    assert _of_trace(spans()) == {"request": 1, "valkey SET": 1, f"job {mail.JOB}": 1}


@pytest.mark.django_db
@pytest.mark.parametrize("given", ["", "x", f"ff-{TRACE}-00f067aa0ba902b7-01", "00-" + "0" * 32])
def test_bad_traceparent_begins_a_trace_of_its_own(spans, given):
    Client().get("/api/v1/me/", headers={"traceparent": given})
    assert _of_trace(spans()) == {}


def test_nobody_is_told_of_a_trace_that_is_off(peer, loopback_allowed, db, django_db_blocker):
    assert tracing.traceparent() == tracing.trace_id() == ""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outbound, "_refuse_inside_a_transaction", lambda: None)
        outbound.call("GET", peer.url, purpose="test")
    assert "traceparent" not in peer.seen[0][2]
