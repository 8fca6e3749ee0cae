"""Every hostile request, through the whole of Django: the named refusal, and nothing written."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests.hostile.cases import CATALOGUE, REQUESTS, TRANSACTIONS, request_of
from tests.hostile.world import build
from tests.serving import ROOT
from transactions.tests.money import footprint

pytestmark = pytest.mark.django_db
HERE = [line for line in REQUESTS if "wire" not in line and "django" not in line.get("not_on", ())]


@pytest.mark.parametrize("line", HERE, ids=lambda line: line["id"])
def test_hostile_request_is_refused_by_name_and_writes_nothing(line):
    request = request_of(line, build())
    before = footprint()
    content_type = dict(request.headers).get("Content-Type", "")
    answer = Client(raise_request_exception=False, enforce_csrf_checks=True).generic(
        request.method,
        request.path,
        request.body,
        content_type=content_type,
        headers={name: value for name, value in request.headers if name != "Content-Type"},
    )
    assert answer.status_code == line["status"], answer.content
    for name in line.get("has", ()):
        assert answer.has_header(name)
    for name in line.get("has_not", ()):
        assert not answer.has_header(name)
    if answer.status_code >= 400:
        problem = json.loads(answer.content)
        assert (problem["code"], problem["status"]) == (line["code"], line["status"])
        assert answer["Content-Type"] == "application/problem+json"
        assert {"type", "title", "detail", "instance", "request_id"} <= set(problem)
    assert footprint() == before


def test_the_good_request_is_good():
    """Or the cases above would prove little."""
    request = request_of({}, build())
    answer = Client().generic(
        request.method,
        TRANSACTIONS,
        request.body,
        content_type="application/json",
        headers=dict(request.headers),
    )
    assert answer.status_code == 201


def test_catalogue_is_whole_and_each_line_is_a_request_or_names_its_test():
    numbers = {int(line["id"][1:].split("-")[0]) for line in CATALOGUE}
    assert numbers == set(range(1, 108))
    assert all({"status", "test"} & set(line) for line in CATALOGUE)
    identifiers = [line["id"] for line in CATALOGUE]
    assert len(identifiers) == len(set(identifiers))
    for line in CATALOGUE:
        if "test" in line:
            file, _, test = line["test"].partition("::")
            assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), line["id"]
