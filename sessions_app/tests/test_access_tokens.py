"""JWTs: what they say, who believes them, and the many that nobody may believe."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import services as accounts
from accounts.errors import AudienceUnknown
from core import clock
from core.errors import PermissionRefused
from core.models import AuditEvent
from sessions_app import services
from sessions_app.errors import SigningKeyTooNew, TokenExpired, TokenInvalid
from sessions_app.models import SigningKey
from sessions_app.services import access_tokens
from sessions_app.services.signing_keys import signing_key
from tests.people import Person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits_at_once")]

Claims = dict[str, Any]


@pytest.fixture
def token(ada: Person) -> str:
    """A JWT of Ada's session."""
    _, session_token = services.start_session(user=ada.user)
    return services.issue_access_token(actor=services.authenticate(session_token)).text


def _call(token: str) -> tuple[int, str, str]:
    answer = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json().get("code", ""), answer.get("WWW-Authenticate", "")


def _read(token: str) -> Claims:
    claims: Claims = jwt.decode(token, options={"verify_signature": False})
    return claims


def _signed(token: str, *, claims: Claims | None = None, headers: Claims | None = None, **how):
    """Sign the claims of ``token`` again, with some of them changed."""
    key_id, key = signing_key()
    header = {"typ": "at+jwt", "kid": str(key_id), **(headers or {})}
    changed = {name: value for name, value in {**_read(token), **(claims or {})}.items() if value}
    return jwt.encode(
        changed, how.get("key", key), algorithm=how.get("algorithm", "EdDSA"), headers=header
    )


def test_jwt_says_who_for_whom_and_until_when(ada: Person, settings):
    session, session_token = services.start_session(user=ada.user)
    made = services.issue_access_token(actor=services.authenticate(session_token))
    header, claims = jwt.get_unverified_header(made.text), _read(made.text)
    assert (header["alg"], header["typ"]) == ("EdDSA", "at+jwt")
    assert claims["sub"] == str(ada.user.pk)
    assert claims["sid"] == str(session.pk)
    assert claims["iss"] == claims["aud"] == settings.ENV.public_url
    lives_s = claims["exp"] - claims["iat"]
    assert settings.ENV.jwt_ttl_s * 0.95 - 1 <= lives_s <= settings.ENV.jwt_ttl_s
    assert "act" not in claims
    principal = services.authenticate_access_token(made.text)
    assert (principal.user_id, principal.session_id) == (ada.user.pk, session.pk)


def test_jwt_opens_what_the_session_opens_but_makes_no_other(token: str):
    assert _call(token)[0] == 200
    with pytest.raises(PermissionRefused):
        services.issue_access_token(actor=services.authenticate_access_token(token))


def test_jwt_for_another_service_is_not_taken_here(ada: Person, settings):
    settings.ENV = dataclasses.replace(settings.ENV, jwt_audiences=["https://shop.example"])
    actor = services.authenticate(services.start_session(user=ada.user)[1])
    made = services.issue_access_token(actor=actor, audience="https://shop.example")
    assert _read(made.text)["aud"] == "https://shop.example"
    assert _call(made.text)[:2] == (401, "AUTH_TOKEN_INVALID")
    with pytest.raises(AudienceUnknown):
        services.issue_access_token(actor=actor, audience="https://elsewhere.example")


def test_jwt_never_outlives_its_session(ada: Person, held_clock, settings):
    session, session_token = services.start_session(user=ada.user)
    held_clock(seconds=settings.ENV.session_idle_timeout_s - 1)
    actor = services.authenticate(session_token)
    session.expires_at = clock.now() + dt.timedelta(seconds=60)
    session.save()
    assert services.issue_access_token(actor=actor).expires_at == session.expires_at


def _unsigned(token: str) -> str:
    key_id, _ = signing_key()
    return jwt.encode(
        _read(token), "", algorithm="none", headers={"typ": "at+jwt", "kid": str(key_id)}
    )


def _signed_with_public_half(token: str) -> str:
    """HMAC over the public key, which a verifier that believes the header would accept."""
    key_id, key = signing_key()
    header = {"alg": "HS256", "typ": "at+jwt", "kid": str(key_id)}
    parts = [_b64(json.dumps(part).encode()) for part in (header, _read(token))]
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return ".".join([*parts, _b64(mac.sign(".".join(parts).encode(), public))])


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _jwk_of_the_thief(token: str) -> str:
    thief = Ed25519PrivateKey.generate()
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(thief.public_key(), as_dict=True)
    return _signed(token, key=thief, headers={"jwk": jwk})


def _of_retired_key(token: str) -> str:
    services.rotate_signing_keys(is_compromised=True)
    return token


def _other_payload(token: str) -> str:
    head, _, mac = token.split(".")
    changed = {**_read(token), "sub": str(uuid.uuid4())}
    return ".".join([head, _b64(json.dumps(changed).encode()), mac])


def _now_s(offset_s: int) -> int:
    return int(clock.now().timestamp()) + offset_s


FORGERIES: dict[str, Callable[[str], str]] = {
    "alg none": _unsigned,
    "HS256 with the public key": _signed_with_public_half,
    "another payload": _other_payload,
    "no signature": lambda token: token.rsplit(".", 1)[0] + ".",
    "unknown kid": lambda token: _signed(token, headers={"kid": str(uuid.uuid4())}),
    "kid no uuid": lambda token: _signed(token, headers={"kid": "../../../dev/null"}),
    "kid of sql": lambda token: _signed(token, headers={"kid": "' OR 1=1 --"}),
    "jku": lambda token: _signed(
        token,
        key=Ed25519PrivateKey.generate(),
        headers={"jku": "https://thief.example/jwks.json"},
    ),
    "jwk in the header": _jwk_of_the_thief,
    "wrong aud": lambda token: _signed(token, claims={"aud": "https://shop.example"}),
    "aud list": lambda token: _signed(token, claims={"aud": [_read(token)["aud"], "https://x.y"]}),
    "wrong iss": lambda token: _signed(token, claims={"iss": "https://thief.example"}),
    "wrong typ": lambda token: _signed(token, headers={"typ": "JWT"}),
    "no exp": lambda token: _signed(token, claims={"exp": None}),
    "no sid": lambda token: _signed(token, claims={"sid": None}),
    "nbf in the future": lambda token: _signed(token, claims={"nbf": _now_s(600)}),
    "iat in the future": lambda token: _signed(token, claims={"iat": _now_s(600)}),
    "other critical header": lambda token: _signed(token, headers={"crit": ["b64"], "b64": False}),
    "another person's session": lambda token: _signed(token, claims={"sub": str(uuid.uuid4())}),
    "expired and for others": lambda token: _signed(
        token, claims={"exp": _now_s(-60), "aud": "https://shop.example"}
    ),
    "retired key": _of_retired_key,
    "deep header": lambda _token: _b64(b"[" * 1_400) + ".e30.e30",
    "header no object": lambda token: _b64(b"7") + "." + token.split(".", 1)[1],
    "nothing": lambda _token: "..",
    "too long": lambda token: token + "A" * 4_000,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_attack_10_forged_jwt_is_refused_as_invalid(token: str, forge: Callable[[str], str]):
    assert _call(token)[0] == 200
    status, code, challenge = _call(forge(token))
    assert (status, code) == (401, "AUTH_TOKEN_INVALID")
    assert challenge == 'Bearer error="invalid_token"'


def test_attack_10_expired_jwt_is_refused_as_expired(token: str):
    status, code, challenge = _call(_signed(token, claims={"exp": _now_s(-60)}))
    assert (status, code) == (401, "AUTH_TOKEN_EXPIRED")
    assert 'error="invalid_token"' in challenge


@pytest.mark.parametrize("how", ["logout", "lock", "epoch"])
def test_attack_05_jwt_ends_with_its_session(ada: Person, grace: Person, token: str, how: str):
    assert _call(token)[0] == 200
    session_id = uuid.UUID(_read(token)["sid"])
    if how == "logout":
        services.end_session(session_id=session_id, actor=ada.principal)
    else:
        accounts.set_active(user=ada.user, is_active=False, actor=grace.principal, reason="a test")
    if how == "epoch":
        accounts.set_active(user=ada.user, is_active=True, actor=grace.principal, reason="a test")
    assert _call(token)[:2] == (401, "AUTH_TOKEN_INVALID")


def test_keys_are_published_without_their_private_halves(client, token: str):
    answer = client.get("/.well-known/jwks.json")
    assert answer["Cache-Control"] == "public, max-age=300"
    keys = answer.json()["keys"]
    assert len(keys) == 2
    assert all(set(key) == {"kty", "crv", "x", "kid", "use", "alg"} for key in keys)
    kid = jwt.get_unverified_header(token)["kid"]
    (own,) = [jwt.PyJWK(key) for key in keys if key["kid"] == kid]
    assert jwt.decode(token, own, algorithms=["EdDSA"], audience=_read(token)["aud"])


def test_private_halves_are_sealed():
    _, key = signing_key()
    for row in SigningKey.objects.all():
        assert key.private_bytes_raw() not in bytes(row.private_sealed or b"")


def test_rotation_overlaps(token: str, held_clock, settings):
    old_id, _ = signing_key()
    with pytest.raises(SigningKeyTooNew):
        services.rotate_signing_keys()
    with pytest.raises(CommandError):
        call_command("signing_keys_rotate")
    assert signing_key()[0] == old_id
    SigningKey.objects.update(created_at=clock.now() - dt.timedelta(seconds=301))
    known_before = {key.pk for key in services.published_keys()}
    call_command("signing_keys_rotate")
    new_id, _ = signing_key()
    assert new_id != old_id
    assert new_id in known_before
    assert {key.state for key in services.published_keys()} == {"next", "active", "retiring"}
    assert _call(token)[0] == 200
    old = SigningKey.objects.get(pk=old_id)
    assert old.private_sealed is None
    assert AuditEvent.objects.filter(action="signing_key.rotate", target_id=str(new_id)).exists()

    held_clock(seconds=settings.ENV.jwt_ttl_s + 301)
    services.rotate_signing_keys()
    assert SigningKey.objects.get(pk=old_id).state == "retired"
    assert _call(token)[:2] == (401, "AUTH_TOKEN_INVALID")


def test_expired_and_invalid_are_two_errors(token: str):
    with pytest.raises(TokenExpired):
        access_tokens.authenticate_access_token(_signed(token, claims={"exp": _now_s(-60)}))
    with pytest.raises(TokenInvalid):
        access_tokens.authenticate_access_token("a.b.c")


def test_jwt_over_http(ada: Person):
    _, session_token = services.start_session(user=ada.user)
    header = {"Authorization": f"Bearer {session_token}"}

    def ask(body: Claims, headers: dict[str, str]):
        return Client().post(
            "/api/v1/auth/token/", body, content_type="application/json", headers=headers
        )

    answer = ask({}, header)
    assert answer.status_code == 200
    body = answer.json()
    assert 565 <= body["expires_in"] <= 600
    assert _call(body["access_token"])[0] == 200
    assert ask({"audience": "https://x.example"}, header).json()["code"] == "AUTH_AUDIENCE_UNKNOWN"
    by_jwt = ask({}, {"Authorization": f"Bearer {body['access_token']}"})
    assert by_jwt.status_code == 403
