"""Webhooks against real receivers: once, again, never, and never somewhere private."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from standardwebhooks.webhooks import Webhook

from core import clock, ids, outbox, runtime_settings
from core.errors import PermissionRefused
from core.models import AuditEvent, WebhookDelivery, WebhookEndpoint
from core.models.webhooks import URL_LENGTH_MAX
from core.principals import SYSTEM, Principal
from core.webhooks import dead_letters, endpoints, relay
from core.webhooks.errors import AddressRefused, DeadLetterNotFound
from sessions_app.services import start_session
from tests import database
from tests.peers import Peer
from tests.people import make_person

pytestmark = pytest.mark.usefixtures("committed_db", "loopback_allowed")


@pytest.fixture
def later(monkeypatch):
    """Move the clock forward."""
    shift = dt.timedelta()
    real = clock.now

    def move(**by: float) -> None:
        nonlocal shift
        shift += dt.timedelta(**by)

    monkeypatch.setattr(clock, "now", lambda: real() + shift)
    return move


def listen(
    peer: Peer, path: str = "/hook", actor: Principal = SYSTEM, **given: Any
) -> tuple[WebhookEndpoint, str]:
    wanted = {"topics": ["*"], "sees_all": True, **given}
    return endpoints.create_endpoint(url=f"{peer.url}{path}", actor=actor, **wanted)


def announce(count: int = 1, topic: str = "thing.happened", user_id=SYSTEM.user_id) -> None:
    with transaction.atomic():
        for number in range(count):
            outbox.announce(
                topic=topic, user_id=user_id, object_id=ids.uuid7(), payload={"number": number}
            )


def send_all() -> int:
    """Do what the worker does every few seconds."""
    database.await_final()
    relay.hand_out()
    return sum(
        relay.send_due(endpoint_id=endpoint_id, user_id=user_id)
        for endpoint_id, user_id in relay.endpoints_with_due_deliveries()
    )


def test_event_arrives_once_and_its_signature_is_right(peer):
    _, secret = listen(peer)
    announce()
    assert send_all() == 1
    assert send_all() == 0
    ((method, path, headers, body),) = peer.seen
    assert (method, path) == ("POST", "/hook")
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == "thing.happened"
    assert told["data"]["number"] == 0
    assert headers["webhook-id"] == told["id"]
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("delivered", 1)


def test_rolled_back_event_is_never_sent(peer):
    listen(peer)
    with transaction.atomic():
        outbox.announce(topic="thing.happened", user_id=SYSTEM.user_id, object_id=ids.uuid7())
        transaction.set_rollback(True)
    send_all()
    assert peer.seen == []


def test_only_what_was_asked_for_and_only_from_now_on(peer):
    announce(topic="before")
    owner = ids.uuid7()
    endpoints.create_endpoint(
        url=f"{peer.url}/mine",
        topics=["session.*", "account.created"],
        actor=Principal(kind="user", user_id=owner),
    )
    announce(topic="session.started", user_id=owner)
    announce(topic="account.created", user_id=owner)
    announce(topic="account.locked", user_id=owner)
    announce(topic="session.started", user_id=ids.uuid7())
    send_all()
    assert [json.loads(body)["type"] for *_, body in peer.seen] == [
        "session.started",
        "account.created",
    ]


def test_poison_dies_after_five_tries_while_others_flow(peer, later):
    """The replay after the mending succeeds once, with the event's own id."""
    peer.answers["/poison"] = (400, {}, b"no")
    listen(peer, "/poison", topics=["bad"])
    listen(peer, "/well", topics=["good"])
    announce(topic="bad")
    for _ in range(relay.ATTEMPTS_MAX.value):
        announce(topic="good")
        send_all()
        later(hours=1)
    send_all()
    tried = [call for call in peer.seen if call[1] == "/poison"]
    assert len(tried) == relay.ATTEMPTS_MAX.value
    assert len({headers["webhook-id"] for *_, headers, _ in tried}) == 1
    assert len([call for call in peer.seen if call[1] == "/well"]) == relay.ATTEMPTS_MAX.value

    (dead,) = dead_letters.dead_letters(actor=SYSTEM)
    assert (dead.attempts, dead.last_fault) == (relay.ATTEMPTS_MAX.value, "It answered 400.")
    assert (dead.payload_redacted or {})["type"] == "bad"
    assert [attempt["status"] for attempt in dead.attempts_log] == [400] * relay.ATTEMPTS_MAX.value

    peer.answers.clear()
    dead_letters.replay_dead_letter(delivery_id=dead.pk, actor=SYSTEM, reason="they mended it")
    assert send_all() == 1
    assert peer.seen[-1][2]["webhook-id"] == tried[0][2]["webhook-id"]
    assert not dead_letters.dead_letters(actor=SYSTEM)
    with pytest.raises(DeadLetterNotFound):
        dead_letters.replay_dead_letter(delivery_id=dead.pk, actor=SYSTEM, reason="twice")
    assert AuditEvent.objects.get(action="dead_letter.replay").data["reason"] == "they mended it"


def change(name: str, text: str) -> None:
    """Change a setting while everything runs."""
    runtime_settings.change_setting(name=name, text=text, actor=SYSTEM, reason="a drill of ours")


def test_staff_hold_webhooks_back_and_nothing_is_lost(peer):
    listen(peer)
    change("webhooks_flow", "no")
    announce(2)
    assert send_all() == 0
    assert peer.seen == []
    change("webhooks_flow", "yes")
    assert send_all() == 2


def test_staff_say_how_often_is_tried(peer, later):
    change("webhook_attempts_max", "7")
    peer.answers["/hook"] = (400, {}, b"no")
    listen(peer)
    announce()
    for _ in range(8):
        send_all()
        later(hours=1)
    (dead,) = dead_letters.dead_letters(actor=SYSTEM)
    assert (dead.attempts, len(peer.seen)) == (7, 7)


def test_death_between_send_and_mark_sends_again_under_the_same_id(peer, later, monkeypatch):
    listen(peer)
    announce()

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(relay, "_note", die)
        with pytest.raises(KeyboardInterrupt):
            send_all()
    assert send_all() == 0, "its claim still holds"
    later(seconds=relay.CLAIM_S + 1)
    assert send_all() == 1
    first, second = (headers["webhook-id"] for *_, headers, _ in peer.seen)
    assert first == second
    assert WebhookDelivery.objects.get().state == "delivered"


def test_events_go_together_where_the_endpoint_asks_for_it(peer):
    _, secret = listen(peer, batch_size=100)
    announce(250)
    assert send_all() == 3
    sizes = []
    for *_, headers, body in peer.seen:
        sizes.append(len(Webhook(secret).verify(body, headers)["data"]))
    assert sizes == [100, 100, 50]
    assert WebhookDelivery.objects.filter(state="delivered").count() == 250


def test_failed_batch_is_repeated_as_it_was(peer, later):
    listen(peer, batch_size=3)
    announce(2)
    peer.answers["/hook"] = (500, {}, b"")
    send_all()
    announce(3)
    peer.answers.clear()
    later(minutes=1)
    send_all()
    ids_sent = [headers["webhook-id"] for *_, headers, _ in peer.seen]
    assert ids_sent[0] in ids_sent[1:]
    again = peer.seen[ids_sent.index(ids_sent[0], 1)]
    first_events = [event["id"] for event in json.loads(peer.seen[0][3])["data"]]
    assert [event["id"] for event in json.loads(again[3])["data"]] == first_events


def test_both_secrets_sign_during_a_rotation_and_the_old_one_not_after_it(peer, later):
    endpoint, old = listen(peer)
    _, new = endpoints.rotate_secret(endpoint_id=endpoint.pk, actor=SYSTEM, overlap_s=3_600)
    announce()
    send_all()
    later(hours=2)
    announce()
    send_all()
    during, after = ((headers, body) for *_, headers, body in peer.seen)
    assert len(during[0]["webhook-signature"].split()) == 2
    for secret in (old, new):
        Webhook(secret).verify(during[1], during[0])
    assert len(after[0]["webhook-signature"].split()) == 1


def test_endpoint_that_is_gone_is_left_alone(peer):
    peer.answers["/hook"] = (410, {}, b"")
    endpoint, _ = listen(peer)
    announce(2)
    send_all()
    send_all()
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "It answered 410 Gone.")
    assert len(peer.seen) == 1


def test_wait_that_the_receiver_asks_for_is_kept(peer, later):
    peer.answers["/hook"] = (429, {"Retry-After": "900"}, b"")
    listen(peer)
    announce()
    send_all()
    later(seconds=800)
    assert send_all() == 0
    later(seconds=200)
    assert send_all() == 1


def test_private_address_is_refused_at_once_and_later(peer, settings, monkeypatch):
    endpoint, _ = listen(peer)
    announce()
    monkeypatch.undo()
    with pytest.raises(AddressRefused):
        endpoints.create_endpoint(url="https://10.1.2.3/", topics=["*"], actor=SYSTEM)
    send_all()
    assert peer.seen == []
    (dead,) = dead_letters.dead_letters(actor=SYSTEM)
    assert (dead.endpoint_id, dead.attempts) == (endpoint.pk, 1)
    assert "private network" in dead.last_fault


def test_secret_is_not_in_the_database(peer, connect):
    endpoint, secret = listen(peer)
    row = (
        connect("superuser")
        .execute("SELECT secret_sealed FROM webhook_endpoint WHERE id = %s", [endpoint.pk])
        .fetchone()
    )
    assert row is not None
    assert secret.encode() not in row[0]


@pytest.fixture
def api(peer):
    """Ada, freshly logged in, over HTTP."""
    ada = make_person("ada@example.org")
    _, token = start_session(user=ada.user)
    return lambda method, path, body=None, **headers: getattr(Client(), method)(
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", **headers},
    )


def test_person_manages_their_endpoints(api, peer):
    wanted = {"url": f"{peer.url}/hook", "topics": ["session.*"]}
    made = api("post", "webhooks/", wanted)
    assert (made.status_code, made.json()["secret"][:6]) == (201, "whsec_")
    path = f"webhooks/{made.json()['id']}/"
    shown = api("get", path)
    assert "secret" not in shown.json()
    changed = api("patch", path, {"batch_size": 10}, **{"If-Match": shown["ETag"]})
    assert changed.json()["batch_size"] == 10
    assert api("patch", path, {"batch_size": 2}, **{"If-Match": shown["ETag"]}).status_code == 412
    rotated = api("post", f"{path}rotate-secret/", {"overlap_s": 60})
    assert rotated.json()["secret"] != made.json()["secret"]
    assert [row["id"] for row in api("get", "webhooks/").json()["items"]] == [made.json()["id"]]
    assert api("get", f"{path}deliveries/").json()["items"] == []
    assert api("delete", path).status_code == 204
    assert api("get", path).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"url": "https://10.0.0.1/"}, 400, "EXTERNAL_ADDRESS_REFUSED"),
        ({"url": "gopher://x/"}, 400, "EXTERNAL_ADDRESS_REFUSED"),
        ({"url": f"https://example.org/{'x' * URL_LENGTH_MAX}"}, 400, "VALIDATION_TEXT_TOO_LONG"),
        ({"topics": []}, 400, "VALIDATION_MIN_LENGTH"),
        ({"topics": ["Shout!"]}, 400, "VALIDATION_TEXT_MALFORMED"),
        ({"batch_size": 101}, 400, "VALIDATION_OUT_OF_RANGE"),
        ({"sees_all": True}, 403, "AUTH_FORBIDDEN"),
    ],
)
def test_unfit_endpoint_is_refused_and_not_made(api, peer, change, status, code):
    answer = api("post", "webhooks/", {"url": f"{peer.url}/", "topics": ["*"], **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not WebhookEndpoint.objects.exists()


def test_eleventh_endpoint_is_refused(api, peer):
    wanted = {"url": f"{peer.url}/", "topics": ["*"]}
    for _ in range(endpoints.ENDPOINTS_PER_OWNER_MAX):
        assert api("post", "webhooks/", wanted).status_code == 201
    assert api("post", "webhooks/", wanted).json()["code"] == "EXTERNAL_TOO_MANY_WEBHOOKS"


def test_dead_letters_are_for_staff(api, peer, capsys):
    peer.answers["/hook"] = (410, {}, b"")
    listen(peer)
    announce()
    send_all()
    (dead,) = dead_letters.dead_letters(actor=SYSTEM)
    why = {"reason": "they have mended it"}
    assert api("get", "dead-letters/").status_code == 403
    assert api("post", f"dead-letters/{dead.pk}/replay/", why).status_code == 403
    dead.refresh_from_db()
    assert dead.state == "dead"

    grace = make_person("grace@example.org", role="admin")
    client = Client()
    client.force_login(grace.user)
    page = reverse("admin:core_webhookdelivery_changelist")
    press = {"action": "discard", "_selected_action": str(dead.pk), "confirmed": "yes", **why}
    client.post(page, press)
    dead.refresh_from_db()
    assert dead.state == "discarded"
    assert AuditEvent.objects.get(action="dead_letter.discard").actor_id == grace.user.pk


def test_command_lists_and_replays(peer, capsys):
    peer.answers["/hook"] = (410, {}, b"")
    listen(peer)
    announce()
    send_all()
    call_command("dead_letters", "list")
    listed = capsys.readouterr().out
    (dead,) = dead_letters.dead_letters(actor=SYSTEM)
    assert str(dead.pk) in listed
    assert "It answered 410." in listed
    call_command("dead_letters", "replay", str(dead.pk), "--reason", "they mended it")
    dead.refresh_from_db()
    assert dead.state == "due"
    with pytest.raises(CommandError, match="no such dead letter"):
        call_command("dead_letters", "discard", str(dead.pk), "--reason", "too late")


def test_staff_who_may_only_look_change_no_endpoint_and_learn_no_secret(peer):
    endpoint, _ = listen(peer)
    watcher = make_person("auditor@example.org", role="auditor").principal
    manager = make_person("operator@example.org", role="operator").principal
    before = WebhookEndpoint.objects.values().get()
    named: dict[str, Any] = {"endpoint_id": endpoint.pk, "actor": watcher}
    assert endpoints.get_endpoint(**named) == endpoint
    with pytest.raises(PermissionRefused):
        endpoints.update_endpoint(version=endpoint.version, url=f"{peer.url}/mine", **named)
    with pytest.raises(PermissionRefused):
        endpoints.delete_endpoint(**named)
    for actor in (watcher, manager):
        with pytest.raises(PermissionRefused):
            endpoints.rotate_secret(endpoint_id=endpoint.pk, actor=actor)
    assert WebhookEndpoint.objects.values().get() == before
    endpoints.delete_endpoint(endpoint_id=endpoint.pk, actor=manager)
    assert not WebhookEndpoint.objects.exists()
