"""Webhooks as people meet them: what they read, what they press, what waits for whom."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import socket
import threading
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.test import Client
from standardwebhooks.webhooks import WebhookVerificationError

from core import clock, ids, outbox
from core.models import AuditEvent, WebhookDelivery
from core.principals import SYSTEM
from core.webhooks import dead_letters, relay
from sessions_app.services import start_session
from tests import database
from tests.database import url_of
from tests.peers import Peer
from tests.people import Person, make_person
from tests.serving import ROOT
from tests.test_webhooks import announce, later, listen, send_all  # noqa: F401 - a fixture
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("committed_db", "loopback_allowed")
WHY = {"reason": "they have mended it"}


def by(person: Person) -> Client:
    """Return a client that speaks for this person."""
    _, token = start_session(user=person.user)
    return Client(headers={"Authorization": f"Bearer {token}"})


def _dead(peer: Peer, count: int) -> list[str]:
    """Let so many events die; return the ids of their deliveries."""
    peer.answers["/hook"] = (404, {}, b"")
    listen(peer)
    for _ in range(count):
        outbox.announce(
            topic="thing.happened",
            user_id=SYSTEM.user_id,
            object_id=ids.uuid7(),
            payload={"number": 7, "api_key": "c4n4ry"},
        )
    database.await_final()
    relay.hand_out()
    WebhookDelivery.objects.update(attempts=relay.ATTEMPTS_MAX.value - 1)
    for _ in range(count):
        send_all()
    return [str(row.pk) for row in dead_letters.dead_letters(actor=SYSTEM).order_by("id")]


def test_staff_see_why_it_died_and_replay_or_discard_it_over_the_api(peer):
    again, never = _dead(peer, 2)
    grace = by(make_person("grace@example.org", role="admin"))
    first, second = grace.get("/api/v1/dead-letters/").json()["items"]
    for shown in (first, second):
        assert (shown["last_fault"], shown["attempts"]) == ("It answered 404.", 5)
        assert shown["first_failed_at"] <= shown["last_failed_at"]
        assert shown["payload"]["data"]["number"] == 7
        assert shown["payload"]["data"]["api_key"] == "***"

    def press(what: str, which: str, why: object) -> int:
        path = f"/api/v1/dead-letters/{which}/{what}/"
        return grace.post(path, why, content_type="application/json").status_code

    assert press("replay", again, {}) == 400, "a reason is asked for"
    assert (press("replay", again, WHY), press("discard", never, WHY)) == (202, 204)
    assert (press("replay", again, WHY), press("discard", never, WHY)) == (404, 404)
    assert grace.get("/api/v1/dead-letters/").json()["items"] == []
    states = dict(WebhookDelivery.objects.values_list("id", "state"))
    assert {str(key): state for key, state in states.items()} == {again: "due", never: "discarded"}
    done = AuditEvent.objects.filter(action__startswith="dead_letter.").order_by("id")
    assert [(event.action, str(event.target_id)) for event in done] == [
        ("dead_letter.replay", again),
        ("dead_letter.discard", never),
    ]
    assert {event.data["reason"] for event in done} == {WHY["reason"]}


def test_owner_reads_every_try(peer, later):  # noqa: F811 - the fixture
    ada = make_person("ada@example.org")
    endpoint, _ = listen(peer, sees_all=False, actor=ada.principal)
    announce(user_id=ada.user.pk)
    peer.answers["/hook"] = (500, {}, b"")
    send_all()
    later(minutes=1)
    peer.answers.clear()
    send_all()
    path = f"/api/v1/webhooks/{endpoint.pk}/deliveries/"
    (shown,) = by(ada).get(path).json()["items"]
    assert (shown["topic"], shown["state"], shown["attempts"]) == (
        *("thing.happened", "delivered"),
        2,
    )
    assert [(one["status"], one["fault"]) for one in shown["tries"]] == [
        (None, "It answered 500."),
        (200, ""),
    ]
    assert by(make_person("bob@example.org")).get(path).status_code == 404


def test_waits_grow_and_differ(peer, later):  # noqa: F811 - as above
    peer.answers["/hook"] = (400, {}, b"")
    listen(peer)
    announce(10)
    for wait_s in relay.WAITS_S:
        sent_at = clock.now()
        send_all_of_all()
        rows = WebhookDelivery.objects.values_list("next_attempt_at", flat=True)
        waits = [(moment - sent_at).total_seconds() for moment in rows]
        assert all(wait_s * 0.8 <= each <= wait_s * 1.2 + 30 for each in waits), (wait_s, waits)
        assert max(waits) - min(waits) > 0.04 * wait_s, "they would all come at once"
        later(seconds=2 * wait_s + 60)


def send_all_of_all() -> None:
    """A refusal ends a sender's turn; take turns until nothing is due."""
    while send_all():
        pass


@pytest.mark.parametrize("leads", ["by redirect", "by name"])
def test_endpoint_that_leads_into_a_private_network_later_is_refused(peer, monkeypatch, leads):
    listen(peer)
    announce()
    if leads == "by redirect":
        peer.answers["/hook"] = (307, {"Location": "https://10.0.0.1/"}, b"")
    else:
        inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", peer.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    send_all()
    (dead,) = dead_letters.dead_letters(actor=SYSTEM)
    assert (dead.attempts, dead.last_fault) == (1, "The address leads into a private network.")
    assert len(peer.seen) == (1 if leads == "by redirect" else 0)


def test_endpoint_that_is_silent_holds_up_no_other_and_is_called_once(peer):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hanging, _ = listen(peer)
        hanging.url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        hanging.save(update_fields=["url"])
        well, _ = listen(peer, "/well")
        announce(2)
        database.await_final()
        relay.hand_out()

        def send(endpoint) -> int:
            return relay.send_due(endpoint_id=endpoint.pk, user_id=endpoint.user_id)

        stuck = threading.Thread(target=send, args=[hanging])
        stuck.start()
        called, _ = silent.accept()
        assert send(well) == 2
        assert send(hanging) == 0, "somebody else calls it"
        called.close()
        stuck.join()
    assert {path for _, path, *_ in peer.seen} == {"/well"}


def test_two_do_not_hand_out_at_once(committed_db, peer):
    listen(peer)
    announce(3)
    database.await_final()
    with psycopg.connect(url_of("owner", committed_db)) as another:
        another.execute("SELECT 1 FROM webhook_relay FOR UPDATE")
        assert relay.hand_out() == 0
    assert relay.hand_out() == 3
    assert relay.hand_out() == 0


@pytest.mark.parametrize("knows_the_secret", [True, False])
def test_receiver_for_development_shows_events_and_checks_them(peer, knows_the_secret):
    endpoint, secret = listen(peer)
    given = secret if knows_the_secret else "whsec_" + "A" * 43 + "="
    out = io.StringIO()
    options = {"port": 0, "secret": given, "count": 1, "stdout": out}
    receiver = threading.Thread(target=call_command, args=["webhooks_listen"], kwargs=options)
    receiver.start()
    listening = until(lambda: re.search(r"http://127.0.0.1:\d+/", out.getvalue()))
    endpoint.url = listening[0]
    endpoint.save(update_fields=["url"])
    announce()
    assert send_all() == 1
    receiver.join()
    first, _, rest = out.getvalue().partition("\n")[2].partition("\n")
    event = json.loads(rest)
    assert event["type"] == "thing.happened"
    verdict = "signature right" if knows_the_secret else "signature WRONG"
    assert first.startswith(f"{event['id']}  {verdict}")
    assert dt.datetime.fromisoformat(event["timestamp"]) <= clock.now()


@pytest.mark.parametrize("batch_size", [1, 10])
def test_receiver_of_the_guide_uses_each_event_once(peer, batch_size):
    _, secret = listen(peer, batch_size=batch_size)
    announce(2)
    send_all_of_all()
    guide = (ROOT / "docs" / "guides" / "webhooks.md").read_text(encoding="utf-8")
    receiver: dict[str, Any] = {}
    exec(guide.partition("```python")[2].partition("```")[0], receiver)
    used: list[Any] = []
    for *_, headers, body in [*peer.seen, *peer.seen]:
        assert receiver["receive"](secret, headers, body, used.append) == 204
    assert [event["data"]["number"] for event in used] == [0, 1]
    with pytest.raises(WebhookVerificationError):
        receiver["receive"](secret, headers, body + b" ", used.append)
