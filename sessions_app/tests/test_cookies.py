"""Issued cookies: what browsers are told, what we keep, how a token is used once."""

from __future__ import annotations

import dataclasses
import http.cookiejar
import http.cookies
import urllib.request
from email.message import Message

import pytest
from django.db import IntegrityError, connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.services.access import end_logins
from core import clock, crypto, ids
from core.errors import PermissionRefused, PreconditionFailed
from core.models import AuditEvent, OutboxEvent
from core.principals import Principal
from sessions_app import chains, constants, services
from sessions_app.errors import (
    CookieInvalid,
    CookieLifetimeTooLong,
    CookieNotFound,
    DefinitionBuiltIn,
    DefinitionExists,
    DefinitionInvalid,
    DefinitionNotFound,
    DefinitionRetired,
    SubjectRefused,
)
from sessions_app.models import Cookie, CookieDefinition, Session
from sessions_app.rfc6265.cookies import Ignored
from sessions_app.rfc6265.exchanges import exchange_with
from sessions_app.rfc6265.jar import Jar, header_of
from sessions_app.rfc6265.writing import Attributes, faults_of, set_cookie
from sessions_app.tests.cookies import (
    SERVICE,
    STAFF,
    define,
    issue,
    resolve,
    service_key,
    token_in,
)
from tests.mailbox import mails_to
from tests.people import Person

pytestmark = pytest.mark.django_db


def test_line_says_exactly_what_the_registry_says(ada: Person):
    define()
    handed = issue(user_id=ada.user.pk)
    token = token_in(handed.set_cookie)
    assert handed.set_cookie == (
        f"__Host-basket={token}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax"
    )
    define("chat", domain="example.org", path="/chat", same_site="None", partitioned=True)
    other = issue(name="chat", max_age_s=60).set_cookie
    assert other == (
        f"chat={token_in(other)}; Domain=example.org; Path=/chat; Max-Age=60; Secure; HttpOnly; "
        "SameSite=None; Partitioned"
    )


def test_value_comes_back_and_the_token_is_another(ada: Person):
    define()
    value = "anything; at all\r\n\0 \N{SNOWMAN}" + "x" * 60_000
    first = token_in(issue(value, user_id=ada.user.pk).set_cookie)
    handed = resolve(first)
    assert handed.value == value
    assert handed.cookie.user == ada.user
    second = token_in(handed.set_cookie)
    assert second != first
    assert resolve(second).value == value
    assert Cookie.objects.get().generation == 2


def test_database_holds_neither_token_nor_value(ada: Person):
    define()
    token = token_in(issue("the secret value", user_id=ada.user.pk).set_cookie)
    token = token_in(resolve(token).set_cookie)
    with connection.cursor() as cursor:
        cursor.execute("SELECT c::text, encode(value_sealed, 'escape') FROM cookie c")
        text = str(cursor.fetchall())
    assert token.split(".")[1] not in text
    assert "secret value" not in text


def test_value_moved_to_another_row_does_not_open():
    define()
    one, other = issue("one").cookie, issue("other").cookie
    Cookie.objects.filter(pk=other.pk).update(value_sealed=one.value_sealed)
    other.refresh_from_db()
    with pytest.raises(crypto.SealBroken):
        _ = services.Handed(other, "", 0).value


def test_same_token_again_within_the_grace_gets_the_same_successor():
    define()
    first = token_in(issue().set_cookie)
    answers = {token_in(resolve(first).set_cookie) for _ in range(5)}
    assert len(answers) == 1
    assert Cookie.objects.get().generation == 1


def test_token_used_after_the_grace_is_theft_once(ada: Person, held_clock):
    define()
    stolen = token_in(issue(user_id=ada.user.pk).set_cookie)
    services.remember_device(user=ada.user)
    services.trust_device(user=ada.user)
    kept = issue("another", user_id=ada.user.pk).cookie
    services.start_session(user=ada.user)
    current = token_in(resolve(stolen).set_cookie)
    held_clock(seconds=11)
    for token in (stolen, stolen, current):
        with pytest.raises(CookieInvalid):
            resolve(token)
    live = Cookie.objects.filter(revoked_at=None)
    assert [cookie.pk for cookie in live] == [kept.pk]
    assert not Session.objects.filter(user=ada.user, revoked_at=None).exists()
    assert AuditEvent.objects.filter(action="cookie.theft_detected").count() == 1
    assert OutboxEvent.objects.filter(topic="cookie.theft_detected").count() == 1
    [mail] = mails_to(ada.user.email)
    assert "copied" in str(mail.body)


def test_stolen_cookie_of_a_visitor_ends_alone(ada: Person, held_clock):
    define()
    stolen = token_in(issue(anonymous_id="visitor-0123456789").set_cookie)
    services.start_session(user=ada.user)
    resolve(stolen)
    held_clock(seconds=11)
    with pytest.raises(CookieInvalid):
        resolve(stolen)
    assert Cookie.objects.get().revoke_reason == "theft"
    assert Session.objects.filter(revoked_at=None).count() == 1


def test_strict_grace_of_zero_takes_any_second_use_for_theft(settings):
    define()
    settings.ENV = dataclasses.replace(settings.ENV, refresh_grace_s=0)
    first = token_in(issue().set_cookie)
    resolve(first)
    with pytest.raises(CookieInvalid):
        resolve(first)
    assert Cookie.objects.get().revoke_reason == "theft"


def test_guess_ends_nothing():
    define()
    token = token_in(issue().set_cookie)
    selector, validator = token.split(".")
    link = chains.parse(token)
    assert link is not None
    forged = chains.Link(link.user_id, link.chain_id, 0, b"x" * 32, b"y" * 16).text
    for guess in (
        forged,
        f"{selector}.{validator[:-2]}AA",
        selector,
        "",
        "a.b",
        "é.é",
        token + "=",
    ):
        with pytest.raises(CookieInvalid):
            resolve(guess)
    assert resolve(token).value == "what is behind it"


def test_expired_revoked_retired_person_and_ended_session_are_all_invalid(ada: Person, held_clock):
    define()
    session, _ = services.start_session(user=ada.user)
    bound = issue(user_id=ada.user.pk, session_id=session.pk)
    short = issue(max_age_s=60)
    revoked = issue(user_id=ada.user.pk)
    theirs = issue(user_id=ada.user.pk)
    services.end_session(session_id=session.pk, actor=ada.principal)
    services.revoke_cookie(cookie_id=revoked.cookie.pk, actor=ada.principal)
    held_clock(seconds=60)
    ada.user.is_active = False
    ada.user.save(update_fields=["is_active"])
    for handed in (bound, short, revoked, theirs):
        with pytest.raises(CookieInvalid):
            resolve(token_in(handed.set_cookie))
    assert not AuditEvent.objects.filter(action="cookie.theft_detected").exists()


def test_name_is_part_of_the_proof():
    define()
    define("other")
    token = token_in(issue().set_cookie)
    with pytest.raises(CookieInvalid):
        resolve(token, name="other")
    assert resolve(token).value == "what is behind it"


def test_lifetime_does_not_slide(held_clock):
    define()
    token = token_in(issue(max_age_s=100).set_cookie)
    held_clock(seconds=60)
    assert "Max-Age=40;" in resolve(token).set_cookie


def test_only_services_name_others(ada: Person, bob: Person):
    adas_key = Principal(kind="key", user_id=ada.user.pk)
    assert services.subject_of(adas_key).user_id == ada.user.pk
    for who in ({"user_id": bob.user.pk}, {"anonymous_id": "visitor-0123456789"}):
        with pytest.raises(SubjectRefused):
            services.subject_of(adas_key, **who)
    with pytest.raises(SubjectRefused):
        services.subject_of(SERVICE, user_id=ada.user.pk, anonymous_id="visitor-0123456789")
    with pytest.raises(SubjectRefused):
        services.subject_of(SERVICE, user_id=ids.uuid7())


def test_key_of_a_person_resolves_their_cookies_only(ada: Person, bob: Person):
    define()
    token = token_in(issue(user_id=ada.user.pk).set_cookie)
    key = Principal(kind="key", user_id=bob.user.pk)
    with pytest.raises(CookieInvalid):
        services.resolve_cookie(name="__Host-basket", token=token, actor=key)
    key = Principal(kind="key", user_id=ada.user.pk)
    own = services.resolve_cookie(name="__Host-basket", token=token, actor=key)
    assert own.cookie.user_id == ada.user.pk


def test_people_do_not_issue_cookies(ada: Person):
    define()
    with pytest.raises(PermissionRefused):
        services.issue_cookie(
            order=services.Order(name="__Host-basket", value="x"),
            subject=services.Subject(ada.user.pk),
            actor=ada.principal,
        )
    assert not Cookie.objects.exists()


def test_registry_decides_what_is_issued(ada: Person, bob: Person):
    definition = define()
    with pytest.raises(DefinitionNotFound):
        issue(name="__host-basket")
    with pytest.raises(DefinitionRetired):
        issue(name=constants.REMEMBER_NAME)
    with pytest.raises(CookieLifetimeTooLong):
        issue(max_age_s=86_401)
    session, _ = services.start_session(user=bob.user)
    with pytest.raises(SubjectRefused):
        issue(user_id=ada.user.pk, session_id=session.pk)
    services.change_definition(definition_id=definition.pk, version=1, is_active=False, actor=STAFF)
    with pytest.raises(DefinitionRetired):
        issue()
    assert not Cookie.objects.exists()


@pytest.mark.parametrize(
    ("name", "changes", "pointer", "code"),
    [
        ("a b", {}, "#/name", "COOKIE_NAME"),
        ("a;b", {}, "#/name", "COOKIE_NAME"),
        ("a\r\nb", {}, "#/name", "COOKIE_NAME"),
        ("a\0", {}, "#/name", "COOKIE_NAME"),
        ("", {}, "#/name", "COOKIE_NAME"),
        ("n" * 5_000, {}, "#/name", "COOKIE_TOO_LARGE"),
        ("__host-a", {}, "#/name", "COOKIE_PREFIX"),
        ("__SECURE-a", {}, "#/name", "COOKIE_PREFIX"),
        ("__Host-a", {"secure": False}, "#/name", "COOKIE_PREFIX"),
        ("__Host-a", {"path": "/a"}, "#/name", "COOKIE_PREFIX"),
        ("__Host-a", {"domain": "example.org"}, "#/name", "COOKIE_PREFIX"),
        ("a", {"same_site": "None", "secure": False}, "#/secure", "COOKIE_SAME_SITE"),
        ("a", {"partitioned": True, "secure": False}, "#/secure", "COOKIE_PARTITIONED"),
        ("a", {"http_only": False}, "#/http_only", "COOKIE_HTTP_ONLY"),
        ("a", {"max_age_s": constants.COOKIE_AGE_S_MAX + 1}, "#/max_age_s", "COOKIE_LIFETIME"),
        ("a", {"domain": "co.uk"}, "#/domain", "COOKIE_PUBLIC_SUFFIX"),
        ("a", {"domain": ".example.org"}, "#/domain", "COOKIE_DOMAIN"),
        ("a", {"domain": "10.0.0.1"}, "#/domain", "COOKIE_DOMAIN"),
        ("a", {"path": "/a;b"}, "#/path", "COOKIE_PATH"),
        ("a", {"path": "a"}, "#/path", "COOKIE_PATH"),
        ("a", {"path": "/\r\n"}, "#/path", "COOKIE_PATH"),
    ],
)
def test_attack_26_linter_refuses_and_says_why(name, changes, pointer, code):
    before = CookieDefinition.objects.count()
    with pytest.raises(DefinitionInvalid) as raised:
        define(name, **changes)
    assert (pointer, code) in [
        (fault["pointer"], fault["code"]) for fault in raised.value.extensions["errors"]
    ]
    assert CookieDefinition.objects.count() == before


def test_registry_is_for_staff_and_versions_are_compared(ada: Person):
    definition = define()
    with pytest.raises(DefinitionExists):
        define()
    for actor in (ada.principal, SERVICE):
        with pytest.raises(PermissionRefused):
            services.change_definition(
                definition_id=definition.pk, version=1, purpose="x", actor=actor
            )
    changed = services.change_definition(
        definition_id=definition.pk, version=1, purpose="Other.", actor=STAFF
    )
    assert (changed.purpose, changed.version) == ("Other.", 2)
    with pytest.raises(PreconditionFailed):
        services.change_definition(
            definition_id=definition.pk, version=1, purpose="Late.", actor=STAFF
        )
    ours = CookieDefinition.objects.get(name=constants.REMEMBER_NAME)
    with pytest.raises(DefinitionBuiltIn):
        services.change_definition(definition_id=ours.pk, version=1, is_active=False, actor=STAFF)


@pytest.mark.parametrize(
    "changes",
    [
        {"http_only": False},
        {"secure": False, "same_site": "None"},
        {"secure": False, "partitioned": True},
        {"max_age_s": constants.COOKIE_AGE_S_MAX + 1},
        {"category": "other"},
    ],
)
def test_database_refuses_definitions_the_linter_would(changes):
    definition = define()
    with pytest.raises(IntegrityError):
        CookieDefinition.objects.filter(pk=definition.pk).update(**changes)


def test_own_cookies_are_revoked_and_others_not_found(ada: Person, bob: Person):
    define()
    cookie = issue(user_id=ada.user.pk).cookie
    with pytest.raises(CookieNotFound):
        services.revoke_cookie(cookie_id=cookie.pk, actor=bob.principal)
    cookie.refresh_from_db()
    assert cookie.revoked_at is None
    for _ in range(2):
        services.revoke_cookie(cookie_id=cookie.pk, actor=ada.principal)
    assert AuditEvent.objects.filter(action="cookie.revoke").count() == 1


def test_remembered_device_names_its_person_and_rotates(ada: Person):
    first = services.remember_device(user=ada.user)
    assert first.set_cookie == (
        f"__Host-remember={first.token}; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax"
    )
    user, second = services.resolve_remembered(token=first.token)
    assert user == ada.user
    assert second.token != first.token
    with pytest.raises(CookieInvalid):
        resolve(second.token, name=constants.REMEMBER_NAME)


def test_remember_cookie_replayed_takes_the_theft_path(ada: Person, held_clock):
    token = services.remember_device(user=ada.user).token
    services.resolve_remembered(token=token)
    held_clock(seconds=11)
    with pytest.raises(CookieInvalid):
        services.resolve_remembered(token=token)
    assert not Cookie.objects.filter(revoked_at=None).exists()


def test_trusted_device_is_trusted_by_its_person_only(ada: Person, bob: Person):
    token = services.trust_device(user=ada.user).token
    assert services.trusted_device(user=bob.user, token=token) is None
    assert services.trusted_device(user=ada.user, token="nonsense") is None
    remember = services.remember_device(user=ada.user).token
    assert services.trusted_device(user=ada.user, token=remember) is None
    again = services.trusted_device(user=ada.user, token=token)
    assert again is not None
    assert again.set_cookie.startswith("__Host-device=")


def test_end_of_all_logins_forgets_all_devices(ada: Person):
    define()
    services.remember_device(user=ada.user)
    services.trust_device(user=ada.user)
    kept = issue(user_id=ada.user.pk).cookie
    end_logins(user_id=ada.user.pk, actor=ada.principal, reason="password_reset")
    assert [cookie.pk for cookie in Cookie.objects.filter(revoked_at=None)] == [kept.pk]


def test_old_key_still_opens_and_rotation_moves_on(ada: Person, monkeypatch):
    define()
    token = token_in(issue(user_id=ada.user.pk).set_cookie)
    ring = crypto._ring()
    crypto._ring.cache_clear()
    crypto._derived.cache_clear()
    monkeypatch.setattr(crypto, "_ring", lambda: {"new1": b"n" * 32, **ring})
    handed = resolve(token)
    assert handed.value == "what is behind it"
    assert Cookie.objects.get().key_id == "new1"
    assert token_in(resolve(token).set_cookie) == token_in(handed.set_cookie)


def theirs(line: str, url: str) -> http.cookiejar.CookieJar:
    """Let Python's cookie jar receive ``line`` from ``url``."""
    headers = Message()
    headers["Set-Cookie"] = line

    class Answer:
        def info(self) -> Message:
            return headers

    jar = http.cookiejar.CookieJar()
    jar.extract_cookies(Answer(), urllib.request.Request(url))  # type: ignore[arg-type]  # all it asks for
    return jar


def test_python_and_our_jar_keep_what_issue_makes():
    define()
    line = issue().set_cookie
    url = "https://www.example.org/"
    request = urllib.request.Request(url)
    theirs(line, url).add_cookie_header(request)
    ours = Jar()
    ours.receive(line, exchange_with(url), at=clock.now())
    sent = header_of(ours.choose(exchange_with(url), at=clock.now()))
    assert request.get_header("Cookie") == sent == f"__Host-basket={token_in(line)}"
    morsels = http.cookies.SimpleCookie(line)
    assert morsels["__Host-basket"].value == token_in(line)


ATTRIBUTES = st.builds(
    Attributes,
    domain=st.sampled_from(["", "example.org", "co.uk", "www.example.org", "a;b"]),
    path=st.one_of(st.just("/"), st.text(max_size=12)),
    secure=st.booleans(),
    http_only=st.booleans(),
    same_site=st.sampled_from(["Strict", "Lax", "None"]),
    partitioned=st.booleans(),
    max_age_s=st.integers(-1, 40_000_000),
)


@given(st.text(max_size=20), st.text(max_size=20), ATTRIBUTES)
def test_what_the_linter_accepts_browsers_keep_byte_for_byte(name, value, attributes):
    if faults_of(name, value, attributes):
        return
    line = set_cookie(name, value, attributes)
    assert not set(line) & set("\r\n\0")
    url = f"https://www.example.org{attributes.path}"
    jar = Jar()
    try:
        kept = jar.receive(line, exchange_with(url), at=clock.now())
    except Ignored as ignored:
        pytest.fail(f"{line!r}: {ignored.why}")
    assert (kept.key.name, kept.value, kept.key.path) == (name, value, attributes.path)
    assert (kept.secure, kept.http_only) == (attributes.secure, attributes.http_only)


def test_service_key_without_names_speaks_for_nobody():
    assert services.subject_of(service_key()).is_nobody
