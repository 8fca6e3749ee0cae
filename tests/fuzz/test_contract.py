"""The OpenAPI document against the service: what schemathesis makes of it, and a client made of it.

Every request, valid and not, gets an answer that the document names and describes, and never a
5xx. ``tests/fuzz/hooks.py`` lists the few things that no schema can say.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.http import Client
from tests.serving import ROOT, Service

SEED = os.environ.get("FUZZ_SEED", "42")
SECONDS = os.environ.get("FUZZ_SECONDS")
CASES_MIN = 5_000
CASES_A_SECOND_MIN = 10


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _document(service: Service) -> str:
    """Keep the document as it is served; schemathesis itself waits ten seconds for it."""
    status, _, document = Client(service.url, timeout=60).call(
        "GET", "/api/v1/schema/?format=json", Accept="application/json"
    )
    assert status == 200
    path = service.log.parent / "openapi.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def _fuzzed(service: Service, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(_program("schemathesis"), "--config-file", "tests/fuzz/schemathesis.toml", "run"),
            *(_document(service), "--url", service.url, "--checks", "all", "--seed", SEED),
            *("--no-color", "--warnings", "off", "--request-timeout", "35", *options),
        ],
        env={**service.environment, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "PYTHONPATH": "."},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
@pytest.mark.xdist_group("fuzz")
def test_service_keeps_every_promise_of_its_document(serve):
    service = serve(workers=2, threads=4)
    few = ("--phases", "examples,coverage,fuzzing", "--max-examples", "2")
    many = ("--max-time", str(SECONDS), "--continue-on-failure")
    run = _fuzzed(service, *(many if SECONDS else few))
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
    (generated,) = re.findall(r"(\d+) generated", run.stdout)
    assert int(generated) >= (
        min(CASES_MIN, CASES_A_SECOND_MIN * int(SECONDS)) if SECONDS else CASES_MIN
    )
