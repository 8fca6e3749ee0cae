"""Whether a code or a passkey proves that somebody is who they say."""

from __future__ import annotations

from typing import Any

from accounts import constants, errors, passkeys, totp
from accounts.models import Factor, User
from accounts.services.recovery_codes import use_recovery_code
from core import clock


def confirmed_factors(user: User) -> list[Factor]:
    """Return the factors that count, oldest first."""
    return list(Factor.objects.filter(user_id=user.pk, confirmed_at__isnull=False).order_by("id"))


def as_known(factor: Factor) -> passkeys.KnownPasskey:
    """Return a stored passkey in the form the protocol takes."""
    assert factor.credential_id is not None, "a confirmed passkey has one"
    assert factor.public_key is not None, "as above"
    return passkeys.KnownPasskey(
        credential_id=bytes(factor.credential_id),
        public_key=bytes(factor.public_key),
        sign_count=factor.sign_count,
        transports=factor.transports,
    )


def use_code(*, user: User, code: str) -> None:
    """Let a code of an app, or a recovery code, pass once; joins the caller's transaction.

    A code of an app counts in its time step and one around it, and never again once a code of
    that step or a later one was used (RFC 6238, section 5.2).

    Raises:
        FactorRefused: wrong, or used before.
    """
    now = clock.now()
    for factor in confirmed_factors(user):
        if factor.kind != constants.TOTP:
            continue
        step = totp.matching_step(factor.seed, code, at_s=now.timestamp())
        unused = Factor.objects.filter(pk=factor.pk, user_id=user.pk, last_step__lt=step or 0)
        if step is not None and unused.update(last_step=step, last_used_at=now):
            return
    if not use_recovery_code(user=user, code=code):
        raise errors.FactorRefused("The code is wrong or was used before.")


def use_passkey(*, user: User, credential: dict[str, Any], challenge: bytes) -> None:
    """Let a passkey of ``user`` pass that answers ``challenge``; joins the caller's transaction.

    The signature counter is moved by compare-and-set: of a passkey and its copy one gets in.

    Raises:
        FactorRefused: anything else.
    """
    try:
        credential_id, owner_id = passkeys.claimed_by(credential)
        factor = next(
            (
                factor
                for factor in confirmed_factors(user)
                if factor.kind == constants.PASSKEY
                and as_known(factor).credential_id == credential_id
            ),
            None,
        )
        if factor is None or owner_id not in (None, user.pk):
            raise errors.FactorRefused("This passkey is not known.")
        counter = passkeys.verify_request(credential, challenge=challenge, known=as_known(factor))
    except passkeys.PasskeyRefused as exc:
        raise errors.FactorRefused("The passkey did not prove it.") from exc
    moved = Factor.objects.filter(pk=factor.pk, user_id=user.pk, sign_count=factor.sign_count)
    if not moved.update(sign_count=counter, last_used_at=clock.now()):
        raise errors.FactorRefused("The passkey did not prove it.")
