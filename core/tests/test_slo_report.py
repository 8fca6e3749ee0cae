"""The monthly report of objectives, from what a Prometheus answers."""

from __future__ import annotations

import io
import json
import urllib.parse

import pytest
from django.core.management import CommandError, call_command
from typing_extensions import override

from tests.peers import Peer
from tests.ready import free_port

LEAP = "2020-02"
MARCH_2020 = 1_583_020_800


class _Answers(dict[str, tuple[int, dict[str, str], bytes]]):
    """Answers by what a query is about, whatever its time is."""

    def __init__(self, *, requests: str, failures: str, p95_s: str) -> None:
        quantiles = {"django_db": "0.002", "=~": "0.05", "!~": "0.25", "histogram_quantile": p95_s}
        self.numbers = {"5..": failures, **quantiles, "increase": requests}

    @override
    def get(self, path: str, default: object = None) -> tuple[int, dict[str, str], bytes]:
        query = _asked(path)["query"]
        number = next(value for part, value in self.numbers.items() if part in query)
        found = [{"value": [0, number]}] if number else []
        return 200, {}, json.dumps({"data": {"result": found}}).encode()


def _asked(path: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query))


def _report(peer: Peer, *arguments: str) -> str:
    out = io.StringIO()
    call_command("slo_report", "--prometheus", peer.url, *arguments, stdout=out)
    return out.getvalue()


def test_month_with_failures_says_how_much_of_the_budget_is_spent(peer):
    peer.answers = _Answers(requests="200000", failures="50", p95_s="0.1234")
    assert json.loads(_report(peer, "--month", LEAP, "--json")) == {
        "month": LEAP,
        "requests": 200_000,
        "failures": 50,
        "availability": 0.99975,
        "objective": 0.999,
        "budget_spent": 0.25,
        "p95_ms": 123.4,
        "p95_read_ms": 50.0,
        "p95_write_ms": 250.0,
        "p95_database_ms": 2.0,
    }


def test_whole_month_is_asked_for_at_its_end(peer):
    peer.answers = _Answers(requests="1", failures="", p95_s="1")
    _report(peer, "--month", LEAP)
    asked = [_asked(path) for _, path, _, _ in peer.seen]
    assert {float(each["time"]) for each in asked} == {MARCH_2020}
    assert all("[29d]" in each["query"] for each in asked)


def test_people_read_one_line_for_each_number(peer):
    peer.answers = _Answers(requests="10", failures="", p95_s="NaN")
    lines = dict(line.split() for line in _report(peer).splitlines())
    assert lines["availability"] == "1.0"
    assert lines["budget_spent"] == "0.0"
    assert lines["p95_ms"] == "0.0", "what is not a number is none"


def test_month_without_requests_is_no_report(peer):
    peer.answers = _Answers(requests="", failures="", p95_s="")
    with pytest.raises(CommandError, match="no request"):
        _report(peer)


@pytest.mark.parametrize("month", ["november", "2026-13", "2026", "2026-11-01"])
def test_other_words_for_a_month_are_refused(peer, month):
    with pytest.raises(CommandError, match="2026-11"):
        _report(peer, "--month", month)
    assert peer.seen == []


def test_prometheus_that_does_not_answer_is_one_line(peer):
    peer.answers = {}
    with pytest.raises(CommandError, match="does not answer"):
        _report(peer)  # "ok" is no JSON
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match="does not answer"):
        call_command("slo_report", "--prometheus", nobody)
    with pytest.raises(CommandError, match="starts with http"):
        call_command("slo_report", "--prometheus", "file:///etc/passwd")
