"""A served instance with its worker, and everything that watches it: Prometheus and Alertmanager,
an exporter, a collector of traces and a Sentry, all real or on loopback.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import brotli
import psycopg
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from core.embedded.valkey import ValkeyServer
from tests import services
from tests.database import url_of
from tests.http import Client
from tests.monitoring import PROGRAMS, Prometheus, exporters
from tests.peers import Peer
from tests.ready import free_port
from tests.serving import Service, serving

WORKERS = 4
TOKEN = {"Authorization": "Bearer test-metrics"}
SENTRY = "/api/1/envelope/"
TRACES = "/v1/traces"


@dataclass
class Watched:
    """A service with its worker, and everything that watches it."""

    service: Service
    valkey: ValkeyServer
    sink: Peer
    prometheus: Prometheus

    def metrics(self) -> str:
        raw = Client(self.service.url).call("GET", "/metrics", **TOKEN)[2]
        return str(raw.decode())

    def told(self, since: int = 0) -> set[str]:
        """Alerts that have arrived at the receiver, firing, after the first ``since`` calls."""
        calls = self.sink.seen[since:]
        alerts = [
            (path, alert)
            for _, path, _, body in calls
            if path in ("/page", "/ticket")
            for alert in json.loads(body)["alerts"]
        ]
        assert all(path == f"/{alert['labels']['severity']}" for path, alert in alerts)
        return {alert["labels"]["alertname"] for _, alert in alerts if alert["status"] == "firing"}

    def envelopes(self) -> list[bytes]:
        return [plain(headers, body) for _, path, headers, body in self.sink.seen if path == SENTRY]

    def spans(self) -> list[tuple[str, str]]:
        """Trace id and name of each span that has arrived."""
        found = []
        for _, path, headers, body in list(self.sink.seen):
            if path == TRACES:
                given = ExportTraceServiceRequest.FromString(plain(headers, body))
                found += [
                    (span.trace_id.hex(), span.name)
                    for resource in given.resource_spans
                    for scope in resource.scope_spans
                    for span in scope.spans
                ]
        return found

    def owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the owner of the tables; a block of it is one transaction."""
        return psycopg.connect(url_of("owner", self.service.database))

    def log(self) -> str:
        worker = self.service.log.parent / "worker.log"
        return self.service.log.read_text() + worker.read_text()


def plain(headers: dict[str, str], body: bytes) -> bytes:
    unpack = {"gzip": gzip.decompress, "br": brotli.decompress}
    return unpack.get(headers.get("content-encoding", ""), bytes)(body)


@pytest.fixture(scope="session")
def watched(tmp_path_factory, worker_id) -> Iterator[Watched]:
    """Needs Prometheus and what belongs to it."""
    if not all(map(shutil.which, PROGRAMS)):
        pytest.skip("Prometheus and its exporters are not installed; .ci/run installs them")
    home = tmp_path_factory.mktemp("observed")
    for folder in (home, *home.parents[:3]):
        if folder.owner() != "root" or os.geteuid() == 0:
            # Valkey runs as somebody else and must get through to its folder.
            folder.chmod(folder.stat().st_mode | 0o011)
    valkey = services.valkey_at(home)
    valkey.start()
    sink = Peer()
    worker_port = free_port()
    with contextlib.ExitStack() as stack:
        stack.callback(valkey.stop)
        stack.callback(sink.close)
        service = stack.enter_context(serving(home, f"{worker_id}_observed"))(
            workers=WORKERS,
            threads=4,
            REDIS_URL=valkey.url,
            WORKER_METRICS_PORT=str(worker_port),
            OTLP_ENDPOINT=sink.url,
            TRACE_PERCENTAGE="0",
            SENTRY_DSN=f"http://key@127.0.0.1:{sink.port}/1",
            OUTBOUND_PRIVATE_NETWORKS="127.0.0.0/8",
            MAIL_TRANSPORT="file",
            MAIL_FOLDER=str(home / "mails"),
            CACHE_TIMEOUT_MS="1000",
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        stack.enter_context(service.worker())
        around = exporters(home, database=url_of("superuser", service.database), valkey=valkey.url)
        targets = {
            "strongroom": service.url.removeprefix("http://"),
            "strongroom-worker": f"127.0.0.1:{worker_port}",
            "strongroom-probe": f"{service.url}/health/ready",
            **stack.enter_context(around),
        }
        prometheus = stack.enter_context(
            Prometheus(home, "test-metrics").watching(targets, receiver=sink.url)
        )
        yield Watched(service, valkey, sink, prometheus)


def in_parallel(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
