"""Adding and removing second factors."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import Any

from django.conf import settings

from accounts import constants, errors, passkeys, totp
from accounts.models import Factor, RecoveryCode, User
from accounts.services.guessing import counted_guess
from accounts.services.notices import tell
from accounts.services.proofs import as_known, confirmed_factors
from accounts.services.recovery_codes import make_codes
from core import audit, clock, crypto, db, hooks, ids, outbox, personal_keys, step_up
from core.principals import Principal


def begin_app(*, label: str, actor: Principal) -> tuple[Factor, str]:
    """Begin to add an authenticator app; return it and its seed, which is shown only now.

    Commits its own transaction or joins the caller's.

    Raises:
        StepUpRequired: the login is not fresh, or not at the person's full level.
        FactorsTooMany: extension ``limit``.
    """
    seed = totp.make_seed()

    def begin() -> Factor:
        factor = _begin(constants.TOTP, label=label, actor=actor)
        box = personal_keys.Box(factor.user_id)
        factor.seed_sealed = box.seal(seed.encode(), bound_to=factor.seed_place)
        factor.save(update_fields=["seed_sealed"])
        return factor

    return db.run_in_transaction(begin), seed


def begin_passkey(*, label: str, actor: Principal) -> tuple[Factor, dict[str, Any]]:
    """Begin to add a passkey; return it and what the browser is to be asked.

    Commits its own transaction or joins the caller's.

    Raises:
        StepUpRequired: the login is not fresh, or not at the person's full level.
        FactorsTooMany: extension ``limit``.
    """
    factor = db.run_in_transaction(lambda: _begin(constants.PASSKEY, label=label, actor=actor))
    known = [f for f in confirmed_factors(factor.user) if f.kind == constants.PASSKEY]
    options = passkeys.creation_options(
        user_id=factor.user.pk,
        account=factor.user.email,
        challenge=_bytes_to_sign(factor),
        known=[as_known(passkey) for passkey in known],
    )
    return factor, options


def confirm_factor(
    *,
    factor_id: uuid.UUID,
    actor: Principal,
    code: str | None = None,
    credential: dict[str, Any] | None = None,
) -> tuple[Factor, list[str]]:
    """Let a begun factor count, once it has proved that it works; return it and recovery codes.

    The first factor brings ten codes, shown only now; later ones bring none. Commits its own
    transaction or joins the caller's.

    Raises:
        FactorNotFound: no factor of the caller's that waits to be confirmed.
        FactorUnproved: the code or the passkey's answer is wrong.
        RateLimited: too many wrong ones.
    """

    def confirm() -> tuple[Factor, list[str]]:
        user = User.objects.select_for_update().get(pk=actor.user_id)
        factor = _waiting(user).filter(pk=factor_id).first()
        if factor is None:
            raise errors.FactorNotFound("No such factor waits to be confirmed. Begin again.")
        _prove(factor, code=code, credential=credential)
        _tell_of(factor, user, actor=actor, change="add")
        if RecoveryCode.objects.filter(user_id=user.pk).exists():
            return factor, []
        return factor, make_codes(user=user, actor=actor)

    try:
        with counted_guess(purpose="factor", subject=actor.user_id):
            return db.run_in_transaction(confirm)
    except errors.FactorRefused as exc:
        # Not 401: the session that asks is as good as before.
        fault = {"pointer": "", "code": errors.FactorUnproved.code, "detail": exc.detail}
        raise errors.FactorUnproved(exc.detail, errors=[fault]) from exc


def remove_factor(*, factor_id: uuid.UUID, actor: Principal) -> None:
    """Remove a factor of the caller's; with the last one its recovery codes go too.

    Commits its own transaction or joins the caller's.

    Raises:
        StepUpRequired: the login is not fresh, or not at the person's full level.
        FactorNotFound: the caller has no such factor.
        FactorNeeded: it is the last one and the account must have one.
    """
    step_up.require_fresh_login(actor)

    def remove() -> None:
        user = User.objects.select_for_update().get(pk=actor.user_id)
        factor = Factor.objects.filter(pk=factor_id, user_id=user.pk).first()
        if factor is None:
            raise errors.FactorNotFound("There is no such factor.")
        others = [other for other in confirmed_factors(user) if other.pk != factor.pk]
        if not others and must_have_factor(user):
            raise errors.FactorNeeded("Add another factor before you remove the last one.")
        _remove([factor], user, actor=actor, are_last=not others)

    db.run_in_transaction(remove)


def remove_all_factors(*, user: User, actor: Principal) -> int:
    """Remove what somebody has lost, on the word of staff; return how many factors went.

    Commits its own transaction or joins the caller's.

    Raises:
        OwnAccount: whoever has one factor left could do away with the others like this.
    """
    if user.pk == actor.user_id:
        raise errors.OwnAccount("Remove your own factors by proving them.")

    def remove() -> int:
        person = User.objects.select_for_update().get(pk=user.pk)
        factors = list(Factor.objects.filter(user_id=person.pk))
        _remove(factors, person, actor=actor, are_last=True)
        return len(factors)

    return db.run_in_transaction(remove)


def set_mfa_enforced(*, user: User, is_enforced: bool, actor: Principal) -> None:
    """Decide whether somebody must have a second factor. Commits or joins."""

    def change() -> None:
        User.objects.filter(pk=user.pk).update(mfa_enforced=is_enforced)
        audit.record(
            action="account.factor_require" if is_enforced else "account.factor_allow_none",
            actor=actor,
            user_id=user.pk,
            target_type="user",
            target_id=user.pk,
        )
        hooks.fire(hooks.FACTORS_CHANGED, user_id=user.pk)

    db.run_in_transaction(change)


def must_have_factor(user: User) -> bool:
    """Return whether the account is nothing without a second factor."""
    return user.mfa_enforced or (user.is_staff and settings.ENV.requires_staff_mfa)


def _begin(kind: str, *, label: str, actor: Principal) -> Factor:
    user = User.objects.select_for_update().get(pk=actor.user_id)
    count = len(confirmed_factors(user))
    # The first factor cannot be proved before it is there: one that is fresh is enough for it.
    needed = actor.assurance_level_required if count else 1
    step_up.require_fresh_login(dataclasses.replace(actor, assurance_level_required=needed))
    if count >= constants.FACTORS_MAX:
        raise errors.FactorsTooMany("Remove a factor first.", limit=constants.FACTORS_MAX)
    Factor.objects.filter(user_id=user.pk, confirmed_at=None).delete()
    return Factor.objects.create(
        id=ids.uuid7(), user=user, kind=kind, label=label, created_at=clock.now()
    )


def _waiting(user: User) -> Any:
    since = clock.now() - dt.timedelta(seconds=constants.FACTOR_PENDING_S)
    return Factor.objects.filter(user_id=user.pk, confirmed_at=None, created_at__gt=since)


def _prove(factor: Factor, *, code: str | None, credential: dict[str, Any] | None) -> None:
    """Confirm ``factor`` with what it showed; raises FactorRefused."""
    now = clock.now()
    changes: dict[str, Any] = {"confirmed_at": now}
    if factor.kind == constants.TOTP:
        step = totp.matching_step(factor.seed, code or "", at_s=now.timestamp())
        if step is None:
            raise errors.FactorRefused("The code is wrong.")
        changes["last_step"] = step
    else:
        try:
            made = passkeys.verify_creation(credential or {}, challenge=_bytes_to_sign(factor))
        except passkeys.PasskeyRefused as exc:
            raise errors.FactorRefused("The passkey did not prove it.") from exc
        changes |= dataclasses.asdict(made)
    Factor.objects.filter(pk=factor.pk, user_id=factor.user_id, confirmed_at=None).update(**changes)
    for name, value in changes.items():
        setattr(factor, name, value)


def _remove(factors: list[Factor], user: User, *, actor: Principal, are_last: bool) -> None:
    for factor in factors:
        Factor.objects.filter(pk=factor.pk, user_id=user.pk).delete()
        _tell_of(factor, user, actor=actor, change="remove")
    if are_last:
        RecoveryCode.objects.filter(user_id=user.pk).delete()


def _tell_of(factor: Factor, user: User, *, actor: Principal, change: str) -> None:
    audit.record(
        action=f"account.factor_{change}",
        actor=actor,
        user_id=user.pk,
        target_type="factor",
        target_id=factor.pk,
        kind=factor.kind,
    )
    done = "added" if change == "add" else "removed"
    outbox.announce(topic=f"account.factor_{done}", user_id=user.pk, object_id=factor.pk)
    hooks.fire(hooks.FACTORS_CHANGED, user_id=user.pk)
    tell(user, f"factor_{done}", kind=factor.get_kind_display().lower())


def _bytes_to_sign(factor: Factor) -> bytes:
    """Return what a new passkey signs: nobody else can compute it, and it is stored nowhere."""
    return crypto.tag(factor.pk.bytes, purpose="passkey_creation")
