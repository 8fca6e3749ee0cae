"""Codes that let somebody in who has lost their other factors."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final

from accounts import constants, errors
from accounts.models import Factor, RecoveryCode, User
from accounts.services.notices import tell
from core import audit, clock, db, ids, step_up
from core.principals import Principal

_GROUP_LENGTH: Final = 4


def renew_recovery_codes(*, actor: Principal) -> list[str]:
    """Give the caller ten new codes; the ones before stop working.

    They are returned once and stored only as hashes. Commits its own transaction or joins the
    caller's.

    Raises:
        StepUpRequired: the login is not fresh, or not at the person's full level.
        FactorNeeded: codes recover a second factor, and there is none.
    """
    step_up.require_fresh_login(actor)

    def renew() -> list[str]:
        user = User.objects.select_for_update().get(pk=actor.user_id)
        if not Factor.objects.filter(user_id=user.pk, confirmed_at__isnull=False).exists():
            raise errors.FactorNeeded("Add a second factor first.")
        codes = make_codes(user=user, actor=actor)
        tell(user, "recovery_codes_made")
        return codes

    return db.run_in_transaction(renew)


def make_codes(*, user: User, actor: Principal) -> list[str]:
    """Replace the codes of ``user`` by ten new ones; joins the caller's transaction."""
    RecoveryCode.objects.filter(user_id=user.pk).delete()
    codes = [_make_code() for _ in range(constants.RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(id=identifier, user_id=user.pk, code_sha256=_sha256(code))
        for identifier, code in zip(ids.uuid7s(len(codes)), codes, strict=True)
    )
    audit.record(
        action="account.recovery_codes_make",
        actor=actor,
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
    )
    return codes


def use_recovery_code(*, user: User, code: str) -> bool:
    """Use up one of the codes of ``user``, if this is one; joins the caller's transaction.

    The one UPDATE decides, so that of two who use it at once one gets in.
    """
    unused = RecoveryCode.objects.filter(user_id=user.pk, used_at=None)
    if not unused.filter(code_sha256=_sha256(code)).update(used_at=clock.now()):
        return False
    left = unused.count()
    audit.record(
        action="account.recovery_code_use",
        actor=Principal(kind="user", user_id=user.pk),
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
        left=left,
    )
    tell(user, "recovery_code_used", left=left)
    return True


def _make_code() -> str:
    text = base64.b32encode(secrets.token_bytes(constants.RECOVERY_CODE_BYTES)).decode()
    groups = range(0, len(text), _GROUP_LENGTH)
    return "-".join(text[start : start + _GROUP_LENGTH] for start in groups)


def _sha256(code: str) -> bytes:
    """Hash a code as it was meant: without the dashes, in capitals."""
    return hashlib.sha256(code.replace("-", "").upper().encode()).digest()
