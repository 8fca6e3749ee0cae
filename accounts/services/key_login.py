"""What an API key is worth, each time a program shows it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid
from typing import Any

from accounts import constants, errors, key_format, selectors
from accounts.models import ApiKey
from core import clock, context, metrics, remembered
from core.principals import Principal


def authenticate_key(text: str) -> Principal:
    """Return who the API key ``text`` speaks for.

    Warm, this is one cache round trip and no SQL; cold, one indexed row, and at most once a
    minute a write of the last use.

    Raises:
        KeyInvalid: malformed, unknown, expired, revoked, past its overlap, of a deactivated
            owner, or sent from an address outside its networks.
    """
    reference = key_format.reference_of(text)
    if reference is None:
        raise errors.KeyInvalid("Use a key that works.")
    name = f"key:{reference.sha256.hex()}"
    facts, generation = remembered.recall(name, user_id=reference.user_id)
    if facts is not None:
        metrics.KEY_LOOKUPS.labels(source="cache").inc()
    else:
        facts = _read_facts(reference)
        metrics.KEY_LOOKUPS.labels(source="database").inc()
        if facts is not None:
            remembered.remember(
                name, facts, generation=generation, ttl_s=constants.API_KEY_USE_PRECISION_S
            )
    if facts is None or clock.now().timestamp() >= facts["valid_until"]:
        raise errors.KeyInvalid("Use a key that works.")
    require_allowed_network(facts["allowed_cidrs"])
    return Principal(
        kind="key",
        user_id=uuid.UUID(facts["user_id"]),
        key_id=uuid.UUID(facts["key_id"]),
        scopes=frozenset(facts["scopes"]),
        permissions=frozenset(facts["permissions"]),
        audience=facts["audience"],
    )


def require_allowed_network(networks: list[str]) -> None:
    """Raise :class:`accounts.errors.KeyInvalid` unless the caller is in a key's ``networks``."""
    if not _is_allowed_from(context.current().client_address, networks):
        raise errors.KeyInvalid("Use a key that works.")


def _read_facts(reference: key_format.KeyReference) -> dict[str, Any] | None:
    now = clock.now()
    key = selectors.usable_api_key(reference, at=now)
    if key is None:
        return None
    address = context.current().client_address
    used_lately = key.last_used_at is not None and now - key.last_used_at < dt.timedelta(
        seconds=constants.API_KEY_USE_PRECISION_S
    )
    if not used_lately and _is_allowed_from(address, key.allowed_cidrs):
        ApiKey.objects.filter(pk=key.pk, user_id=key.user_id).update(
            last_used_at=now, last_used_address=address or None
        )
    return selectors.facts_of_api_key(key)


def _is_allowed_from(address: str, networks: list[str]) -> bool:
    """Return whether a caller from ``address`` may use a key for ``networks``; none is anywhere."""
    if not networks:
        return True
    if not address:
        return False
    caller = ipaddress.ip_address(address)
    return any(caller in ipaddress.ip_network(network) for network in networks)
