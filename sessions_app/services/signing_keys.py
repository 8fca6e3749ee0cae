"""Making, using and replacing the keys that sign JWTs."""

from __future__ import annotations

import datetime as dt
import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from core import audit, clock, crypto, db, ids
from core.principals import SYSTEM
from sessions_app import constants, selectors
from sessions_app.errors import SigningKeyTooNew
from sessions_app.models import SigningKey


def signing_key() -> tuple[uuid.UUID, Ed25519PrivateKey]:
    """Return the key that signs now; the very first two are made here."""
    row = SigningKey.objects.filter(state=constants.SIGNING_ACTIVE).first()
    if row is None:
        _make_first_keys()
        row = SigningKey.objects.get(state=constants.SIGNING_ACTIVE)
    private = crypto.unseal(bytes(row.private_sealed or b""), bound_to=_place(row.pk))
    return row.pk, Ed25519PrivateKey.from_private_bytes(private)


def published_keys() -> list[SigningKey]:
    """Return the keys whose public halves others should know; the first two are made here."""
    known = selectors.published_signing_keys()
    if not known:
        _make_first_keys()
        known = selectors.published_signing_keys()
    return known


def rotate_signing_keys(*, is_compromised: bool = False) -> SigningKey:
    """Let the next key sign, publish the one after it, retire what no JWT can be signed with.

    The key that signed until now is still believed until the last of its JWTs has expired; with
    ``is_compromised`` it is worthless at once. Commits its own transaction. Returns the key that
    signs now.

    Raises:
        SigningKeyTooNew: the next key has not been published long enough for everybody to know
            it; extension ``ready_at``. Not with ``is_compromised``.
    """
    published_keys()
    return db.run_in_transaction(lambda: _rotate(is_compromised=is_compromised))


def _rotate(*, is_compromised: bool) -> SigningKey:
    now = clock.now()
    # Whoever comes second waits here, and then sees what the first one left.
    list(SigningKey.objects.select_for_update().filter(state=constants.SIGNING_ACTIVE))
    current = SigningKey.objects.get(state=constants.SIGNING_ACTIVE)
    following = SigningKey.objects.get(state=constants.SIGNING_NEXT)
    ready_at = following.created_at + dt.timedelta(seconds=constants.JWKS_MAX_AGE_S)
    if now < ready_at and not is_compromised:
        raise SigningKeyTooNew(
            "The next key is too new to be known everywhere.", ready_at=clock.as_rfc3339(ready_at)
        )
    _retire_expired(now)
    current.state = constants.SIGNING_RETIRED if is_compromised else constants.SIGNING_RETIRING
    current.private_sealed, current.replaced_at = None, now
    current.retired_at = now if is_compromised else None
    current.save()
    following.state, following.activated_at = constants.SIGNING_ACTIVE, now
    following.save()
    _new_key(constants.SIGNING_NEXT, now).save()
    audit.record(
        action="signing_key.rotate",
        actor=SYSTEM,
        user_id=SYSTEM.user_id,
        target_type="signing_key",
        target_id=following.pk,
        replaced=str(current.pk),
        is_compromised=is_compromised,
    )
    return following


def _retire_expired(now: dt.datetime) -> None:
    """Retire the keys whose last JWT has expired."""
    longest = dt.timedelta(seconds=settings.ENV.jwt_ttl_s + constants.CLOCK_LEEWAY_S)
    SigningKey.objects.filter(
        state=constants.SIGNING_RETIRING, replaced_at__lt=now - longest
    ).update(state=constants.SIGNING_RETIRED, retired_at=now)


def _make_first_keys() -> None:
    """Make the first two; of many processes that try at once, the constraint lets one succeed."""
    now = clock.now()
    first = [_new_key(state, now) for state in (constants.SIGNING_ACTIVE, constants.SIGNING_NEXT)]
    SigningKey.objects.bulk_create(first, ignore_conflicts=True)


def _new_key(state: str, now: dt.datetime) -> SigningKey:
    private, key_id = Ed25519PrivateKey.generate(), ids.uuid7()
    return SigningKey(
        id=key_id,
        state=state,
        public_key=private.public_key().public_bytes_raw(),
        private_sealed=crypto.seal(private.private_bytes_raw(), bound_to=_place(key_id)),
        created_at=now,
        activated_at=now if state == constants.SIGNING_ACTIVE else None,
    )


def _place(key_id: uuid.UUID) -> str:
    return f"signing_key.private_sealed:{key_id}"
