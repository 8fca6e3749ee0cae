"""Keys for programs: made, rotated, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import constants, errors, key_format, selectors
from accounts.models import ApiKey, User
from accounts.services.notices import tell
from core import audit, clock, db, hooks, ids, metrics, outbox, remembered, scopes, step_up
from core.errors import PermissionRefused
from core.principals import HOUSE_USER_ID, Principal


def create_api_key(
    *,
    name: str,
    scope_names: Sequence[str],
    networks: Sequence[str] = (),
    lifetime_days: int = constants.API_KEY_LIFETIME_DAYS_MAX,
    audience: str = "",
    actor: Principal,
) -> tuple[ApiKey, str]:
    """Make a key that acts for ``actor``; return it and its text, which is shown only now.

    Commits its own transaction or joins the caller's: key, audit row and event together.

    Raises:
        StepUpRequired: ``actor`` logged in too long ago.
        ScopeMissing: ``actor`` is a key itself.
        ScopeBeyondReach: an unknown scope, or one that reaches further than ``actor``.
        NetworkInvalid: not networks; extension ``errors``.
        AudienceUnknown: none of ``JWT_AUDIENCES``.
        ApiKeysTooMany: extension ``limit``.
    """
    step_up.require_fresh_login(actor)
    _require_within_reach(scope_names, actor)
    allowed = _canonical_networks(networks)
    _require_known_audience(audience)
    ends = clock.now() + dt.timedelta(days=lifetime_days)
    return db.run_in_transaction(
        lambda: _add(
            ApiKey(
                user_id=actor.user_id,
                name=name,
                scopes=sorted(set(scope_names)),
                allowed_cidrs=allowed,
                audience=audience,
                expires_at=ends,
            ),
            actor,
        )
    )


def create_service_key(
    *,
    name: str,
    scope_names: Sequence[str],
    networks: Sequence[str] = (),
    lifetime_days: int | None = constants.API_KEY_LIFETIME_DAYS_MAX,
    audience: str = "",
    actor: Principal,
) -> tuple[ApiKey, str]:
    """Make a key of the house for a service; ``lifetime_days`` of ``None`` never ends.

    Commits its own transaction or joins the caller's. The text is returned only now.

    Raises:
        PermissionRefused: ``actor`` may not make such keys.
        ScopeBeyondReach: an unknown scope, or one that reaches further than ``actor``.
        NetworkInvalid: not networks; extension ``errors``.
        AudienceUnknown: none of ``JWT_AUDIENCES``.
        ApiKeysTooMany: extension ``limit``.
    """
    _require_may_make_service_keys(actor)
    _require_within_reach(scope_names, actor)
    allowed = _canonical_networks(networks)
    _require_known_audience(audience)
    ends = None if lifetime_days is None else clock.now() + dt.timedelta(days=lifetime_days)
    return db.run_in_transaction(
        lambda: _add(
            ApiKey(
                user_id=HOUSE_USER_ID,
                name=name,
                scopes=sorted(set(scope_names)),
                allowed_cidrs=allowed,
                audience=audience,
                expires_at=ends,
            ),
            actor,
        )
    )


def rotate_api_key(
    *,
    key_id: uuid.UUID,
    overlap_s: int = constants.API_KEY_OVERLAP_S_DEFAULT,
    actor: Principal,
) -> tuple[ApiKey, str]:
    """Replace a key by a new one alike; the old one works for ``overlap_s`` more seconds.

    The new one lives as long as the old one was made for. Commits its own transaction or joins
    the caller's. The text is returned only now.

    Raises:
        StepUpRequired: ``actor`` logged in too long ago.
        ScopeMissing: ``actor`` is a key itself.
        ApiKeyNotFound: no such key, or not one ``actor`` may rotate.
        ApiKeyEnded: it was replaced before, was revoked, or has expired.
        ScopeBeyondReach: ``actor`` has lost what the key may do.
        ApiKeysTooMany: extension ``limit``.
    """
    step_up.require_fresh_login(actor)

    def rotate() -> tuple[ApiKey, str]:
        now = clock.now()
        old = ApiKey.objects.rotatable_by(actor).filter(pk=key_id).first()
        if old is None:
            raise errors.ApiKeyNotFound("There is no such API key.")
        _require_within_reach(old.scopes, actor)
        new_id = ids.uuid7()
        changed = (
            ApiKey.objects.of_user(old.user_id)
            .usable(now)
            .filter(pk=old.pk, replaced_at=None)
            .update(
                replaced_by_id=new_id,
                replaced_at=now,
                overlap_until=now + dt.timedelta(seconds=overlap_s),
            )
        )
        if changed != 1:
            raise errors.ApiKeyEnded("Make a new key; this one was replaced or has ended.")
        _tell(old, "api_key.rotate", actor, replaced_by=str(new_id), overlap_s=overlap_s)
        forget_cached_keys(user_id=old.user_id)
        lifetime = None if old.expires_at is None else old.expires_at - old.created_at
        return _add(
            ApiKey(
                id=new_id,
                user_id=old.user_id,
                name=old.name,
                scopes=old.scopes,
                allowed_cidrs=old.allowed_cidrs,
                audience=old.audience,
                expires_at=None if lifetime is None else now + lifetime,
            ),
            actor,
        )

    return db.run_in_transaction(rotate)


def revoke_api_key(*, key_id: uuid.UUID, actor: Principal, reason: str = "by_owner") -> None:
    """End a key now, for every worker. Revoking a revoked one changes nothing.

    Commits its own transaction or joins the caller's.

    Raises:
        ApiKeyNotFound: no such key, or not one ``actor`` may revoke.
    """

    def revoke() -> None:
        key = ApiKey.objects.revocable_by(actor).filter(pk=key_id).first()
        if key is None:
            raise errors.ApiKeyNotFound("There is no such API key.")
        changed = ApiKey.objects.filter(pk=key.pk, user_id=key.user_id, revoked_at=None).update(
            revoked_at=clock.now(), revoke_reason=reason
        )
        if changed:
            _tell(key, "api_key.revoke", actor, reason=reason)
            hooks.fire(hooks.API_KEY_REVOKED, key_id=key.pk, user_id=key.user_id, actor=actor)
        forget_cached_keys(user_id=key.user_id)

    db.run_in_transaction(revoke)


def count_aged_keys() -> None:
    """Set the gauge of keys that are past their maximum age."""
    aged = selectors.aged_api_keys(older_than_days=settings.ENV.api_key_max_age_days)
    metrics.KEYS_PAST_MAX_AGE.set(aged.count())


def forget_cached_keys(*, user_id: uuid.UUID) -> None:
    """Make the next request of this owner's keys be checked against the database, at commit."""
    transaction.on_commit(lambda: remembered.forget_user(user_id))


def _add(key: ApiKey, actor: Principal) -> tuple[ApiKey, str]:
    # The lock makes requests of one owner count each other's keys.
    owner = User.objects.select_for_update(no_key=True).get(pk=key.user_id)
    now = clock.now()
    others = ApiKey.objects.of_user(owner.pk).usable(now).filter(replaced_at=None)
    limit = constants.API_KEYS_PER_OWNER_MAX
    if others.count() >= limit:
        raise errors.ApiKeysTooMany(f"Revoke one of your {limit} keys first.", limit=limit)
    text = key_format.make_key(key_id=key.id, user_id=owner.pk)
    key.secret_sha256 = hashlib.sha256(text.encode("ascii")).digest()
    key.epoch = owner.session_epoch
    if owner.pk == actor.user_id and actor.epoch is not None:
        # No newer than the login that makes it: a key that a reset overtakes is born dead.
        key.epoch = actor.epoch
    key.created_by_id = actor.user_id
    key.created_at = now
    key.save(force_insert=True)
    _tell(key, "api_key.create", actor, scopes=key.scopes)
    if owner.pk != HOUSE_USER_ID:
        tell(owner, "api_key_made")
    return key, text


def _require_may_make_service_keys(actor: Principal) -> None:
    if not actor.may("accounts.add_apikey"):
        raise PermissionRefused("You may not make keys for services.")


def _require_within_reach(names: Sequence[str], actor: Principal) -> None:
    permissions = None if actor.kind == "system" else actor.permissions
    beyond = sorted(set(names) - scopes.within(names, permissions=permissions))
    if beyond:
        raise errors.ScopeBeyondReach(
            "There is no such scope, or it reaches further than you do.", scopes=beyond
        )


def _require_known_audience(audience: str) -> None:
    if audience not in {"", settings.ENV.public_url, *settings.ENV.jwt_audiences}:
        raise errors.AudienceUnknown("JWT_AUDIENCES names no such service.")


def _canonical_networks(texts: Sequence[str]) -> list[str]:
    networks, faults = [], []
    for index, text in enumerate(texts):
        try:
            networks.append(str(ipaddress.ip_network(text)))
        except ValueError:
            faults.append(
                {
                    "pointer": f"#/allowed_cidrs/{index}",
                    "code": errors.NetworkInvalid.code,
                    "detail": "Must be an address, or a network such as 203.0.113.0/24.",
                }
            )
    if faults:
        raise errors.NetworkInvalid(faults[0]["detail"], errors=faults)
    return networks


def _tell(key: ApiKey, action: str, actor: Principal, **data: Any) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=key.user_id,
        target_type="api_key",
        target_id=key.pk,
        **data,
    )
    outbox.announce(topic=_TOPICS[action], user_id=key.user_id, object_id=key.pk)


_TOPICS = {
    "api_key.create": "api_key.created",
    "api_key.rotate": "api_key.rotated",
    "api_key.revoke": "api_key.revoked",
}
