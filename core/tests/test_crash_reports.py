"""One report for each crash, in the words of Sentry, with nothing in it that somebody sent."""

from __future__ import annotations

import dataclasses
import gzip
import json

import brotli
import pytest
import sentry_sdk

from core import context, crash_reports
from tests.peers import Peer

SECRET = "correct-horse-battery-staple"
TOKEN = "srk_" + "0123456789abcdef" * 3


@pytest.fixture
def reports(settings, peer: Peer):
    """Report to a receiver; returns what has arrived there."""
    dsn = f"http://key@127.0.0.1:{peer.port}/1"
    settings.ENV = dataclasses.replace(settings.ENV, sentry_dsn=dsn)
    crash_reports.start()

    def arrived() -> list[bytes]:
        crash_reports.flush()
        unpack = {"gzip": gzip.decompress, "br": brotli.decompress}
        return [
            unpack.get(headers.get("content-encoding", ""), bytes)(body)
            for _, path, headers, body in peer.seen
            if path == "/api/1/envelope/"
        ]

    yield arrived
    sentry_sdk.init()
    crash_reports._state["is_on"] = False


def _crash(password: str) -> Exception:
    with pytest.raises(LookupError) as crashed:
        _look_up(password)
    return crashed.value


def _look_up(password: str) -> None:
    raise LookupError(f"no such key: '{password}' of {TOKEN}")


def test_crash_is_one_report_with_the_ids_that_find_it(reports):
    with context.entered(context.Context(request_id="r-1", job="deliver_mail")):
        crash_reports.report(_crash(SECRET))
    (envelope,) = reports()
    event = json.loads(envelope.splitlines()[2])
    assert event["tags"]["request_id"] == "r-1"
    assert event["tags"]["job"] == "deliver_mail"
    assert event["exception"]["values"][0]["type"] == "LookupError"
    assert event["exception"]["values"][0]["value"] == "no such key: ... of ***"
    assert event["exception"]["values"][0]["stacktrace"]["frames"]


def test_nothing_of_what_was_sent_is_in_a_report(reports):
    crash_reports.report(_crash(SECRET))
    (envelope,) = reports()
    assert SECRET.encode() not in envelope
    assert TOKEN.encode() not in envelope
    event = json.loads(envelope.splitlines()[2])
    assert not {"request", "user", "extra", "breadcrumbs", "server_name"} & set(event)
    assert "vars" not in event["exception"]["values"][0]["stacktrace"]["frames"][0]


def test_no_crash_and_no_receiver_are_no_report(reports, peer: Peer):
    crash_reports.report(None)
    assert reports() == []
    crash_reports._state["is_on"] = False
    crash_reports.report(_crash(SECRET))
    assert reports() == []
