"""JWTs that stand for a session at other services for some minutes (RFC 7519, 8725, 9068).

Here too they are taken, but only while the session itself lives: who logs out is out at once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
import uuid
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from accounts.errors import AudienceUnknown
from core import clock, errors
from core.fields import UUID_TEXT
from core.principals import Principal
from sessions_app import constants, selectors, session_cache
from sessions_app.errors import TokenExpired, TokenInvalid
from sessions_app.services.lifetimes import end_of_token
from sessions_app.services.sessions import live_facts, principal_of
from sessions_app.services.signing_keys import signing_key

ALGORITHM: Final = "EdDSA"
TYPE: Final = "at+jwt"
_CLAIMS: Final = ["iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"]


@dataclasses.dataclass(frozen=True, slots=True)
class AccessToken:
    """A JWT and what its holder should know of it."""

    text: str
    audience: str
    expires_at: dt.datetime


def issue_access_token(*, actor: Principal, audience: str | None = None) -> AccessToken:
    """Return a JWT for ``audience`` that stands for the session that asks; by default for us.

    It ends with the session at the latest. Writes nothing.

    Raises:
        PermissionRefused: the caller has no session, only a JWT of one, or a service's.
        AudienceUnknown: not us, and none of ``JWT_AUDIENCES``.
        TokenInvalid: the session has ended meanwhile.
    """
    if actor.session_id is None or actor.is_projection or actor.key_id is not None:
        raise errors.PermissionRefused("Only a session itself can be stood for.")
    audience = audience or settings.ENV.public_url
    if audience not in {settings.ENV.public_url, *settings.ENV.jwt_audiences}:
        raise AudienceUnknown("No JWT is made for this audience.")
    now = clock.now()
    session = selectors.session_by_id(actor.session_id, actor.user_id, at=now)
    if session is None:
        raise TokenInvalid("Log in again.")
    expires_at = min(end_of_token(settings.ENV.jwt_ttl_s), session.expires_at)
    claims: dict[str, Any] = {
        "iss": settings.ENV.public_url,
        "aud": audience,
        "sub": str(actor.user_id),
        "sid": str(session.pk),
        "client_id": settings.ENV.public_url,
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": secrets.token_urlsafe(16),
        "acr": f"aal{session.assurance_level}",
    }
    if actor.authenticated_at is not None:
        claims["auth_time"] = int(actor.authenticated_at.timestamp())
    if actor.impersonator_id is not None:
        claims["act"] = {"sub": str(actor.impersonator_id)}
    key_id, key = signing_key()
    headers = {"typ": TYPE, "kid": str(key_id)}
    return AccessToken(
        jwt.encode(claims, key, algorithm=ALGORITHM, headers=headers), audience, expires_at
    )


def authenticate_access_token(token: str) -> Principal:
    """Return who a JWT of ours speaks for, if it was made for us and its session lives.

    Raises:
        TokenExpired: right in everything but that its time is over.
        TokenInvalid: anything else.
    """
    claims = verified_claims(token, audience=settings.ENV.public_url)
    return principal_of(facts_behind(claims), is_projection=True)


def facts_behind(claims: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of the session that verified ``claims`` stand for.

    Raises:
        TokenInvalid: the session has ended.
    """
    session_id, user_id = uuid.UUID(claims["sid"]), uuid.UUID(claims["sub"])
    return live_facts(
        session_cache.name_of_session(session_id),
        user_id=user_id,
        read=lambda at: selectors.session_by_id(session_id, user_id, at=at),
    )


def verified_claims(token: str, *, audience: str) -> dict[str, Any]:
    """Return the claims of a JWT that we signed for ``audience``.

    The key is found by its id among our own, and it alone says which algorithm counts: nothing
    else in the header is believed.

    Raises:
        TokenExpired: right in everything but that its time is over.
        TokenInvalid: anything else.
    """
    key = _key_named_by(token)
    try:
        return _decoded(token, key, audience=audience)
    except jwt.ExpiredSignatureError:
        _decoded_or_refused(token, key, audience=audience)
        raise TokenExpired("Ask for a new token, then repeat the request.") from None
    except (jwt.PyJWTError, ValueError) as exc:
        raise TokenInvalid("Log in again.") from exc


def _decoded_or_refused(token: str, key: Ed25519PublicKey, *, audience: str) -> None:
    """Refuse an expired token as invalid when it was never for us."""
    try:
        _decoded(token, key, audience=audience, verify_exp=False)
    except (jwt.PyJWTError, ValueError) as exc:
        raise TokenInvalid("Log in again.") from exc


def _decoded(
    token: str, key: Ed25519PublicKey, *, audience: str, verify_exp: bool = True
) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=audience,
        issuer=settings.ENV.public_url,
        leeway=constants.CLOCK_LEEWAY_S,
        options={"require": _CLAIMS, "verify_exp": verify_exp, "strict_aud": True},
    )
    return claims


def _key_named_by(token: str) -> Ed25519PublicKey:
    if not token.isascii() or len(token) > constants.JWT_LENGTH_MAX:
        raise TokenInvalid("Log in again.")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as exc:
        raise TokenInvalid("Log in again.") from exc
    key_id = header.get("kid")
    if header.get("typ") != TYPE or not isinstance(key_id, str) or not UUID_TEXT.match(key_id):
        raise TokenInvalid("Log in again.")
    row = selectors.usable_signing_key(uuid.UUID(key_id))
    if row is None:
        raise TokenInvalid("Log in again.")
    return Ed25519PublicKey.from_public_bytes(bytes(row.public_key))
