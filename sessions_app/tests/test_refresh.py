"""Refresh families: honest people stay logged in, thieves end the login for both."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.test import Client

from accounts import services as accounts
from core.models import AuditEvent, OutboxEvent
from sessions_app import refresh_tokens, services
from sessions_app.errors import RefreshRefused, TokenExpired, TokenInvalid
from sessions_app.models import RefreshFamily, Session
from tests.mailbox import mails_to
from tests.people import PASSWORD, Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]


@pytest.fixture
def grant(ada: Person) -> services.Grant:
    return services.start_refreshed_session(user=ada.user)


def _traces() -> tuple[int, int, int]:
    return (
        AuditEvent.objects.filter(action="session.reuse_detected").count(),
        OutboxEvent.objects.filter(topic="session.reuse_detected").count(),
        sum("ended one of your logins" in mail.subject for mail in mails_to("ada@example.org")),
    )


def test_refresh_replaces_both_tokens_and_keeps_the_session(grant: services.Grant):
    assert services.authenticate(grant.token).session_id == grant.session.pk
    renewed = services.refresh_session(token=grant.refresh_token)
    assert renewed.session.pk == grant.session.pk
    assert len({grant.token, renewed.token, grant.refresh_token, renewed.refresh_token}) == 4
    assert services.authenticate(renewed.token).session_id == grant.session.pk
    with pytest.raises(TokenInvalid):
        services.authenticate(grant.token)
    assert RefreshFamily.objects.get().generation == 1


def test_only_hashes_are_stored(grant: services.Grant):
    presented = refresh_tokens.parse(grant.refresh_token)
    assert presented is not None
    row = RefreshFamily.objects.get()
    assert bytes(row.current_sha256) == presented.sha256
    assert presented.secret not in bytes(row.current_sha256)


def test_token_expires_with_a_code_that_asks_for_a_refresh(grant, held_clock, settings):
    ttl_s = settings.ENV.access_token_ttl_s
    assert grant.session.token_expires_at is not None
    lives = grant.session.token_expires_at - grant.session.created_at
    assert ttl_s * 0.95 <= lives.total_seconds() <= ttl_s
    held_clock(seconds=ttl_s + 1)
    with pytest.raises(TokenExpired):
        services.authenticate(grant.token)
    renewed = services.refresh_session(token=grant.refresh_token)
    assert services.authenticate(renewed.token).session_id == grant.session.pk


def test_second_use_within_the_grace_is_answered_as_the_first(grant, held_clock, settings):
    first = services.refresh_session(token=grant.refresh_token)
    held_clock(seconds=settings.ENV.refresh_grace_s)
    again = services.refresh_session(token=grant.refresh_token)
    assert (again.token, again.refresh_token) == (first.token, first.refresh_token)
    assert RefreshFamily.objects.get().generation == 1
    assert _traces() == (0, 0, 0)


def test_attack_07_stolen_older_token_after_the_grace_ends_it_for_both(grant, held_clock, settings):
    renewed = services.refresh_session(token=grant.refresh_token)
    held_clock(seconds=settings.ENV.refresh_grace_s + 1)
    for _ in range(2):
        with pytest.raises(RefreshRefused):
            services.refresh_session(token=grant.refresh_token)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=renewed.refresh_token)
    with pytest.raises(TokenInvalid):
        services.authenticate(renewed.token)
    assert _traces() == (1, 1, 1)
    family, session = RefreshFamily.objects.get(), Session.objects.get()
    assert family.reuse_detected_at is not None
    assert session.revoke_reason == "refresh_reuse"


def test_older_token_within_the_grace_gets_nothing_and_ends_nothing(grant, held_clock, settings):
    """A request that was on its way while others refreshed twice is no theft; later it is."""
    second = services.refresh_session(token=grant.refresh_token)
    third = services.refresh_session(token=second.refresh_token)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)
    assert _traces() == (0, 0, 0)
    assert services.authenticate(third.token).session_id == grant.session.pk
    held_clock(seconds=settings.ENV.refresh_grace_s + 1)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)
    assert _traces() == (1, 1, 1)


def test_strict_setting_has_no_grace(grant, settings):
    settings.ENV = dataclasses.replace(settings.ENV, refresh_grace_s=0)
    services.refresh_session(token=grant.refresh_token)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)
    assert _traces() == (1, 1, 1)


def test_attack_08_forged_token_of_a_known_family_ends_nothing(grant, bob: Person):
    known = refresh_tokens.parse(grant.refresh_token)
    assert known is not None
    own = refresh_tokens.parse(services.start_refreshed_session(user=bob.user).refresh_token)
    assert own is not None
    head, tail = grant.refresh_token.rsplit("_", 1)
    forged = [
        f"{head}_{'A' * len(tail)}",
        grant.refresh_token.replace("_0_", "_7_"),
        f"{head[:-1]}{'E' if head.endswith('A') else 'A'}_{tail}",
        own.text.replace(own.text.split("_")[2], known.text.split("_")[2]),
        "",
        "srr",
        grant.token,
        grant.refresh_token + "=",
        "é" * 140,
    ]
    for text in forged:
        with pytest.raises(RefreshRefused):
            services.refresh_session(token=text)
    assert _traces() == (0, 0, 0)
    assert services.refresh_session(token=grant.refresh_token).session.pk == grant.session.pk


def test_attack_09_family_ends_at_its_absolute_limit_though_used(grant, held_clock, settings):
    token = grant.refresh_token
    step_s = settings.ENV.refresh_idle_timeout_s - 1
    limit = grant.session.expires_at
    for _ in range(settings.ENV.refresh_absolute_timeout_s // step_s):
        held_clock(seconds=step_s)
        token = services.refresh_session(token=token).refresh_token
    assert Session.objects.get().expires_at == limit
    held_clock(seconds=step_s)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=token)


def test_session_not_refreshed_for_long_ends(grant, held_clock, settings):
    held_clock(seconds=settings.ENV.refresh_idle_timeout_s + 1)
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)


@pytest.mark.parametrize("how", ["logout", "lock"])
def test_ended_session_cannot_be_refreshed(grant, ada: Person, grace: Person, how: str):
    if how == "logout":
        services.end_session(session_id=grant.session.pk, actor=ada.principal)
        assert RefreshFamily.objects.get().revoked_at is not None
    else:
        accounts.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
        accounts.set_active(user=ada.user, is_active=True, actor=grace.principal, reason="a test")
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)
    assert _traces() == (0, 0, 0)


def test_chain_cannot_be_continued_without_its_key(grant, monkeypatch):
    RefreshFamily.objects.update(key_id="gone")
    with pytest.raises(RefreshRefused):
        services.refresh_session(token=grant.refresh_token)


def test_attack_02_proving_oneself_again_ends_the_token_that_was_known(ada: Person):
    _, token = services.start_session(user=ada.user)
    actor = services.authenticate(token)
    session, renewed = services.replace_token(actor=actor, assurance_level=2)
    with pytest.raises(TokenInvalid):
        services.authenticate(token)
    principal = services.authenticate(renewed)
    assert (principal.session_id, principal.assurance_level) == (session.pk, 2)


def test_many_behind_one_address_refresh_and_only_guesses_are_counted(ada: Person, settings):
    settings.ENV = dataclasses.replace(settings.ENV, limit_stranger_requests=2)
    client, token = Client(), services.start_refreshed_session(user=ada.user).refresh_token

    def refresh(presented: str):
        body = {"refresh_token": presented}
        return client.post("/api/v1/auth/refresh/", body, content_type="application/json")

    for _ in range(5):
        token = refresh(token).json()["refresh_token"]
    assert [refresh("srr_guess").status_code for _ in range(3)] == [401, 401, 429]
    assert refresh(token).status_code == 200


def test_login_and_refresh_over_http(ada: Person):
    client = Client()
    credentials = {"email": "ada@example.org", "password": PASSWORD}

    def post(path: str, body: Any):
        return client.post(f"/api/v1/auth/{path}/", body, content_type="application/json")

    login = post("login", {**credentials, "refresh": True}).json()
    assert 570 <= login["expires_in"] <= 600
    renewed = post("refresh", {"refresh_token": login["refresh_token"]})
    assert renewed.status_code == 200
    body = renewed.json()
    assert body["session"]["id"] == login["session"]["id"]
    header = {"Authorization": f"Bearer {body['token']}"}
    assert client.get("/api/v1/me/", headers=header).status_code == 200
    refused = post("refresh", {"refresh_token": "srr_nonsense"})
    assert (refused.status_code, refused.json()["code"]) == (401, "AUTH_REFRESH_REFUSED")
    both = post("login", {**credentials, "refresh": True, "cookie": True})
    assert both.status_code == 400
    assert "refresh_token" not in post("login", credentials).json()
