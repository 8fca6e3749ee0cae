"""The first authenticator app of somebody who may not go on without one."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Final

from django.core import signing

from accounts import constants, errors, totp
from accounts.models import Factor, User
from accounts.services.factors import begin_app, confirm_factor
from core import clock
from core.principals import Principal

LABEL: Final = "Authenticator app"
_SALT: Final = "first-app"


@dataclasses.dataclass(frozen=True, slots=True)
class Enrolment:
    """What an app is to be fed with, and ``token``, which stands for the right password."""

    token: str
    seed: str
    uri: str
    qr_code: str


def offer_first_app(*, user: User) -> Enrolment:
    """Begin an app for ``user``, whose password was right a moment ago. Commits or joins.

    Raises:
        StepUpRequired: there is a factor already.
    """
    factor, seed = begin_app(label=LABEL, actor=_just_proved(user))
    facts = {"user": str(user.pk), "epoch": user.session_epoch, "factor": str(factor.pk)}
    return _enrolment(signing.dumps(facts, salt=_SALT), seed, user)


def repeat_offer(*, token: str) -> Enrolment:
    """Return the same offer again, after a wrong code.

    Raises:
        ChallengeEnded: the offer is too old, or not one of ours.
    """
    user, factor = _offered(token)
    return _enrolment(token, factor.seed, user)


def take_first_app(*, token: str, code: str) -> tuple[User, list[str]]:
    """Confirm the app that was offered; return its owner and their recovery codes.

    Commits its own transaction or joins the caller's.

    Raises:
        ChallengeEnded: the offer is too old, or not one of ours.
        FactorUnproved: the code is wrong.
        RateLimited: too many wrong ones.
    """
    user, factor = _offered(token)
    _, codes = confirm_factor(factor_id=factor.pk, actor=_just_proved(user), code=code)
    return user, codes


def _offered(token: str) -> tuple[User, Factor]:
    try:
        facts = signing.loads(token, salt=_SALT, max_age=constants.FACTOR_PENDING_S)
    except signing.BadSignature as exc:
        raise _ended() from exc
    factor = (
        Factor.objects.select_related("user")
        .filter(pk=uuid.UUID(facts["factor"]), user_id=facts["user"], confirmed_at=None)
        .first()
    )
    if factor is None or not factor.user.may_log_in:
        raise _ended()
    if factor.user.session_epoch != facts["epoch"]:
        raise _ended()
    return factor.user, factor


def _enrolment(token: str, seed: str, user: User) -> Enrolment:
    uri = totp.provisioning_uri(seed, account=user.email)
    return Enrolment(token=token, seed=seed, uri=uri, qr_code=totp.qr_code(uri))


def _just_proved(user: User) -> Principal:
    return Principal(kind="user", user_id=user.pk, authenticated_at=clock.now())


def _ended() -> errors.ChallengeEnded:
    return errors.ChallengeEnded("Log in again.")
