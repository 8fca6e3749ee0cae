"""Questions for a second factor, or for a passkey alone, and their answers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import Any, Final

from django.db.models import F

from accounts import constants, errors, passkeys
from accounts.models import Challenge, Factor, User
from accounts.services.doors import require_login_open
from accounts.services.guessing import counted_guess, limit_requests
from accounts.services.proofs import as_known, confirmed_factors, use_code, use_passkey
from core import clock, crypto, db, ids, metrics, tokens

# Old questions go as new ones come: each takes a few with it.
_SWEPT_AT_ONCE: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What the client must answer: ``methods`` are the kinds of answers that will do."""

    token: str
    expires_at: dt.datetime
    methods: list[str]
    passkey: dict[str, Any] | None


def ask_for_factor(*, user: User, session_id: uuid.UUID | None = None) -> Question | None:
    """Ask somebody whose password was right for a second factor; ``None`` if they have none.

    With ``session_id`` that session asks for a fresh login. Commits or joins.
    """
    factors = confirmed_factors(user)
    if not factors:
        return None
    token, challenge = _open(
        user_id=user.pk,
        epoch=user.session_epoch,
        purpose=constants.REAUTHENTICATION if session_id else constants.LOGIN,
        session_id=session_id,
    )
    known = [as_known(factor) for factor in factors if factor.kind == constants.PASSKEY]
    kinds = sorted({factor.kind for factor in factors})
    return Question(
        token=token,
        expires_at=challenge.expires_at,
        methods=[*kinds, constants.RECOVERY_CODE],
        passkey=passkeys.request_options(challenge=_bytes_to_sign(challenge), known=known)
        if known
        else None,
    )


def ask_for_passkey() -> Question:
    """Ask whoever this is for any passkey of theirs; it will say who they are.

    Raises:
        RateLimited: too many questions from this address.
    """
    limit_requests(purpose="passkey")
    token, challenge = _open(user_id=ids.uuid7(), purpose=constants.PASSKEY_LOGIN)
    return Question(
        token=token,
        expires_at=challenge.expires_at,
        methods=[constants.PASSKEY],
        passkey=passkeys.request_options(challenge=_bytes_to_sign(challenge)),
    )


def answer_challenge(
    *,
    token: str,
    purpose: str,
    code: str | None = None,
    credential: dict[str, Any] | None = None,
    session_id: uuid.UUID | None = None,
) -> User:
    """Return who answered the question of ``token`` with a code or a passkey.

    An answer is counted, in a commit of its own, before it is judged: the sixth is not heard.
    Commits its own transactions.

    Raises:
        ChallengeEnded: answered, too many answers, too old, never asked, or asked of another.
        FactorRefused: the answer is wrong.
        RateLimited: too many wrong answers, whatever the question.
    """
    challenge = _count_answer(token, purpose=purpose, session_id=session_id)
    user = _who_answers(challenge, credential)

    def judge() -> None:
        if credential is None:
            use_code(user=user, code=code or "")
        else:
            challenge_bytes = _bytes_to_sign(challenge)
            use_passkey(user=user, credential=credential, challenge=challenge_bytes)
        if not _open_ones(challenge).update(answered_at=clock.now()):
            raise _ended()

    with counted_guess(purpose="factor", subject=user.pk):
        db.run_in_transaction(judge)
    metrics.LOGINS.labels(outcome="factor_accepted").inc()
    return user


def _open(*, user_id: uuid.UUID, **about: Any) -> tuple[str, Challenge]:
    now = clock.now()
    token = tokens.make_token(constants.CHALLENGE_PREFIX, user_id)
    key = tokens.key_of(constants.CHALLENGE_PREFIX, token)
    assert key is not None, "our own tokens have the form of our tokens"

    def write() -> Challenge:
        swept = Challenge.objects.filter(expires_at__lt=now).values("pk")[:_SWEPT_AT_ONCE]
        Challenge.objects.filter(pk__in=list(swept.values_list("pk", flat=True))).delete()
        return Challenge.objects.create(
            id=ids.uuid7(),
            user_id=user_id,
            token_sha256=key.sha256,
            created_at=now,
            expires_at=now + dt.timedelta(seconds=constants.CHALLENGE_TTL_S),
            **about,
        )

    return token, db.run_in_transaction(write)


def _count_answer(token: str, *, purpose: str, session_id: uuid.UUID | None) -> Challenge:
    key = tokens.key_of(constants.CHALLENGE_PREFIX, token)
    if key is None:
        raise _ended()
    asked = Challenge.objects.filter(
        token_sha256=key.sha256, user_id=key.user_id, purpose=purpose, session_id=session_id
    )
    challenge = asked.first()
    if challenge is None:
        raise _ended()
    heard = _open_ones(challenge).filter(attempts__lt=constants.CHALLENGE_ATTEMPTS_MAX)
    if not heard.update(attempts=F("attempts") + 1):
        raise _ended()
    return challenge


def _open_ones(challenge: Challenge) -> Any:
    return Challenge.objects.filter(
        pk=challenge.pk,
        user_id=challenge.user_id,
        answered_at=None,
        expires_at__gt=clock.now(),
    )


def _who_answers(challenge: Challenge, credential: dict[str, Any] | None) -> User:
    """Return the person, if they may still log in and nothing ended their logins meanwhile."""
    if challenge.purpose == constants.PASSKEY_LOGIN:
        user = _owner_of(credential or {})
    else:
        user = User.objects.filter(pk=challenge.user_id, session_epoch=challenge.epoch).first()
    if user is None or not user.may_log_in:
        raise errors.FactorRefused("This passkey is not known.")
    if challenge.purpose == constants.PASSKEY_LOGIN:
        require_login_open(user)
    return user


def _owner_of(credential: dict[str, Any]) -> User | None:
    try:
        credential_id, owner_id = passkeys.claimed_by(credential)
    except passkeys.PasskeyRefused as exc:
        raise errors.FactorRefused("This passkey is not known.") from exc
    if owner_id is None:
        return None
    factor = (
        Factor.objects.select_related("user")
        .filter(credential_id=credential_id, user_id=owner_id, confirmed_at__isnull=False)
        .first()
    )
    return factor.user if factor else None


def _bytes_to_sign(challenge: Challenge) -> bytes:
    """Return what a passkey signs: nobody else can compute it, and it is stored nowhere."""
    return crypto.tag(challenge.pk.bytes, purpose="passkey_request")


def _ended() -> errors.ChallengeEnded:
    return errors.ChallengeEnded("Log in again.")
