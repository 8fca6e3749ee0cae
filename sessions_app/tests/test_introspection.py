"""What other services are told of tokens."""

from __future__ import annotations

import dataclasses
import urllib.parse

import pytest
from django.test import Client

from accounts import services as accounts
from accounts.errors import AudienceUnknown
from accounts.models import ApiKey
from core.errors import PermissionRefused
from core.principals import HOUSE_USER_ID, SYSTEM, Principal
from sessions_app import constants, services, tokens
from tests.callers import key_of
from tests.people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]
SHOP = "https://shop.example"


OUR_KEY = Principal(kind="key", user_id=HOUSE_USER_ID)
SHOPS_KEY = dataclasses.replace(OUR_KEY, audience=SHOP)


def _ask(token: str, actor: Principal = OUR_KEY) -> dict[str, object]:
    return services.introspect(token=token, actor=actor)


def test_session_token_speaks_for_its_person(ada: Person, settings):
    session, token = services.start_session(user=ada.user)
    told = _ask(token)
    assert told["active"] is True
    assert told["sub"] == str(ada.user.pk)
    assert told["sid"] == str(session.pk)
    assert told["aud"] == told["iss"] == settings.ENV.public_url
    assert set(told) & {"email", "permissions", "token"} == set()


def test_introspection_costs_no_sql_when_warm(ada: Person, django_assert_num_queries):
    _, token = services.start_session(user=ada.user)
    _ask(token)
    with django_assert_num_queries(0):
        assert _ask(token)["active"] is True


@pytest.mark.parametrize("how", ["logout", "lock", "elsewhere"])
def test_attack_05_what_ended_is_not_active(ada: Person, grace: Person, how: str):
    _, token = services.start_session(user=ada.user)
    grant = services.start_refreshed_session(user=ada.user)
    actor = services.authenticate(token)
    jwt = services.issue_access_token(actor=actor).text
    assert [_ask(text)["active"] for text in (token, grant.token, jwt)] == [True] * 3
    if how == "logout":
        services.end_all_sessions(actor=actor)
    elif how == "lock":
        accounts.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
    else:
        other = services.authenticate(services.start_session(user=ada.user)[1])
        services.end_other_sessions(actor=other)
    assert [_ask(text) for text in (token, grant.token, jwt)] == [{"active": False}] * 3


def test_nonsense_is_not_active(ada: Person):
    grant = services.start_refreshed_session(user=ada.user)
    for text in ("x", "a.b.c", tokens.make_token(ada.user.pk), grant.refresh_token, "é" * 50):
        assert _ask(text) == {"active": False}


def test_expired_short_token_is_not_active(ada: Person, held_clock, settings):
    grant = services.start_refreshed_session(user=ada.user)
    held_clock(seconds=settings.ENV.access_token_ttl_s + 1)
    assert _ask(grant.token) == {"active": False}


def test_jwt_is_active_only_for_whom_it_was_made(ada: Person, settings):
    settings.ENV = dataclasses.replace(settings.ENV, jwt_audiences=[SHOP])
    actor = services.authenticate(services.start_session(user=ada.user)[1])
    for_shop = services.issue_access_token(actor=actor, audience=SHOP).text
    for_us = services.issue_access_token(actor=actor).text
    assert _ask(for_us)["active"] is True
    assert _ask(for_shop) == {"active": False}
    assert _ask(for_shop, SHOPS_KEY)["aud"] == SHOP
    assert _ask(for_us, SHOPS_KEY) == {"active": False}


def test_key_of_another_service_hears_nothing_of_sessions(ada: Person):
    _, token = services.start_session(user=ada.user)
    assert _ask(token)["active"] is True
    assert _ask(token, SHOPS_KEY) == {"active": False}


def test_key_asks_for_no_audience_but_its_own(ada: Person, settings):
    _, token = services.start_session(user=ada.user)
    for actor, own in ((SHOPS_KEY, SHOP), (OUR_KEY, settings.ENV.public_url)):
        services.introspect(token=token, audience=own, actor=actor)
        with pytest.raises(PermissionRefused, match=own):
            services.introspect(token=token, audience="https://else.example", actor=actor)


def test_key_made_for_a_service_keeps_its_audience_over_a_rotation(grace: Person, settings):
    settings.ENV = dataclasses.replace(settings.ENV, jwt_audiences=[SHOP])

    def made(audience: str):
        return accounts.create_service_key(
            name="shop",
            scope_names=[constants.SESSIONS_INTROSPECT],
            audience=audience,
            actor=SYSTEM,
        )

    with pytest.raises(AudienceUnknown):
        made("https://else.example")
    assert not ApiKey.objects.exists()
    key, text = made(SHOP)
    _, rotated = accounts.rotate_api_key(key_id=key.pk, actor=SYSTEM)
    assert [accounts.authenticate_key(each).audience for each in (text, rotated)] == [SHOP] * 2


def test_only_keys_with_the_scope_ask(ada: Person, bob: Person):
    _, token = services.start_session(user=ada.user)
    client = Client()

    def ask(credential: str, body: str, media_type: str):
        return client.post(
            "/api/v1/sessions/introspect/",
            body,
            content_type=media_type,
            headers={"Authorization": f"Bearer {credential}"},
        )

    form = urllib.parse.urlencode({"token": token, "token_type_hint": "access_token"})
    media_type = "application/x-www-form-urlencoded"
    key = key_of(bob, constants.SESSIONS_INTROSPECT)
    assert ask(key, form, media_type).json()["sub"] == str(ada.user.pk)
    assert ask(key, f'{{"token":"{token}"}}', "application/json").json()["active"] is True
    assert ask(key, form + "&token=x", media_type).status_code == 400
    assert ask(key, "token=" + "x" * 9_000, media_type).status_code == 413
    assert ask(key, "nothing=1", media_type).status_code == 400
    assert ask(key_of(bob, constants.SESSIONS_READ), form, media_type).status_code == 403
    assert ask(services.start_session(user=bob.user)[1], form, media_type).status_code == 403
    assert ask("nonsense", form, media_type).status_code == 401
    with pytest.raises(PermissionRefused):
        services.introspect(token=token, actor=bob.principal)
