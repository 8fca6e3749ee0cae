"""Telling other services whom a token speaks for (RFC 7662)."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from core import clock, errors
from core.principals import Principal
from sessions_app import constants, selectors, session_cache, tokens
from sessions_app.services.access_tokens import facts_behind, verified_claims
from sessions_app.services.sessions import live_facts

INACTIVE: dict[str, Any] = {"active": False}


def introspect(*, token: str, audience: str | None = None, actor: Principal) -> dict[str, Any]:
    """Return what RFC 7662 says of ``token``: that it is not active, or whom it speaks for.

    A JWT is active only for the audience it was made for, and the audience is the key's own: a
    service hears nothing of tokens for another (RFC 7662, section 4). A key without one is ours,
    and only it hears of session tokens. Who names an ``audience`` makes sure that it is the key's.
    Refresh tokens and API keys are never active.

    Raises:
        PermissionRefused: the caller is neither a key nor the system, or the key is another
            audience's.
    """
    if actor.kind not in ("key", "system"):
        raise errors.PermissionRefused("Only a key asks about tokens.")
    own = actor.audience or settings.ENV.public_url
    if audience not in (None, own):
        raise errors.PermissionRefused(f"This key asks for {own}.")
    try:
        return _described(token, own)
    except errors.NotAuthenticated:
        return INACTIVE


def _described(token: str, audience: str) -> dict[str, Any]:
    key = tokens.key_of(token)
    if key is not None and audience != settings.ENV.public_url:
        return INACTIVE
    if key is None:
        claims = verified_claims(token, audience=audience)
        return {**_of_session(facts_behind(claims)), **_of_jwt(claims)}
    facts = live_facts(
        session_cache.name_of_token(key),
        user_id=key.user_id,
        read=lambda at: selectors.session_of_token(key, at=at),
    )
    ends_s = facts["token_valid_until"] or facts["valid_until"]
    if clock.now().timestamp() >= ends_s:
        return INACTIVE
    return {
        **_of_session(facts),
        "aud": settings.ENV.public_url,
        "exp": int(min(ends_s, facts["valid_until"])),
    }


def _of_session(facts: dict[str, Any]) -> dict[str, Any]:
    described = {
        "active": True,
        "token_type": "Bearer",
        "iss": settings.ENV.public_url,
        "sub": facts["user_id"],
        "sid": facts["session_id"],
        "kind": constants.KIND_SERVICE if "key_id" in facts else facts["kind"],
        "acr": f"aal{facts['assurance_level']}",
    }
    if facts["authenticated_at"] is not None:
        described["auth_time"] = int(facts["authenticated_at"])
    if "key_id" in facts:
        described |= {"client_id": facts["key_id"], "scope": " ".join(facts["scopes"])}
    if facts["impersonator_id"] is not None:
        described["act"] = {"sub": facts["impersonator_id"]}
    return described


def _of_jwt(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: claims[name] for name in ("aud", "exp", "iat", "nbf", "jti")}
