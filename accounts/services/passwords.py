"""What makes a password good enough, and which ones a person had before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password

from accounts import breached, constants, errors
from accounts.models import PasswordBefore, User
from core import ids

Fault = tuple[str, str]


def require_strong_password(
    password: str, *, context_words: tuple[str, ...] = (), is_mfa_enforced: bool = False
) -> None:
    """Refuse a short, overlong, guessable or known password.

    There are no composition rules, and nothing is trimmed or changed (NIST SP 800-63B-4, 3.1.1.2).
    ``context_words`` are the person's names and addresses.

    Raises:
        PasswordWeak: extension ``errors`` with one fault for each broken rule.
    """
    _refuse(list(_broken_rules(password, context_words, is_mfa_enforced=is_mfa_enforced)))


def prepare_password(*, user: User, password: str) -> str:
    """Return the hash of a new password for ``user``, if it is strong and not one of the last five.

    Takes as long as a few logins, so it is called before the transaction that stores the result
    with :func:`remember_password`.

    Raises:
        PasswordWeak: extension ``errors`` with one fault for each broken rule.
        HashingBusy: too many logins at once.
    """
    require_strong_password(
        password, context_words=words_about(user), is_mfa_enforced=user.mfa_enforced
    )
    if any(check_password(password, earlier) for earlier in _earlier_hashes(user)):
        _refuse([("password_reused", "Must not be one of your last five passwords.")])
    return make_password(password)


def remember_password(*, user: User) -> None:
    """Keep the hash that is about to be replaced; joins the caller's transaction."""
    if not user.has_usable_password():
        return
    mine = PasswordBefore.objects.filter(user_id=user.pk)
    PasswordBefore.objects.create(id=ids.uuid7(), user_id=user.pk, password=user.password)
    kept = mine.order_by("-id").values_list("pk", flat=True)[: constants.PASSWORDS_REMEMBERED - 1]
    mine.exclude(pk__in=list(kept)).delete()


def words_about(user: User) -> tuple[str, ...]:
    """Return what anybody who knows ``user`` would try first."""
    return (user.email_normalized, user.name, user.username or "")


def _broken_rules(
    password: str, context_words: Iterable[str], *, is_mfa_enforced: bool
) -> Iterator[Fault]:
    length_min: int = settings.ENV.password_length_min
    if is_mfa_enforced:
        length_min = min(length_min, constants.PASSWORD_LENGTH_MIN_WITH_MFA)
    bytes_max = constants.PASSWORD_BYTES_MAX
    if len(password) < length_min:
        yield "password_too_short", f"Must have at least {length_min} characters."
    if len(password.encode("utf-8", "surrogatepass")) > bytes_max:
        yield "password_too_long", f"Must have at most {bytes_max} bytes."
        return
    if password in (password + password)[1:-1]:
        yield "password_repetitive", "Must not be one piece repeated."
    if breached.is_breached(password):
        yield "password_breached", "Must not be a password that others use: it is on public lists."
    if _is_made_of(context_words, password.casefold()):
        yield "password_guessable", "Must not be made of your name, address or this service's name."


def _is_made_of(context_words: Iterable[str], folded: str) -> bool:
    """Return whether too little is left of a password without the words others would guess."""
    rest = folded
    for word in sorted(_parts((*context_words, *constants.SERVICE_WORDS)), key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != folded and len(rest) < constants.PASSWORD_REST_LENGTH_MIN


def _parts(words: Iterable[str]) -> set[str]:
    """Return whole words, and what they are put together from: ``ada@example.org``, ``example``."""
    folded = [word.casefold() for word in words]
    parts = [*folded, *(part for word in folded for part in re.split(r"\W+|_", word))]
    return {part for part in parts if len(part) >= constants.CONTEXT_WORD_LENGTH_MIN}


def _earlier_hashes(user: User) -> list[str]:
    before = PasswordBefore.objects.filter(user_id=user.pk).order_by("-id")
    earlier = before.values_list("password", flat=True)[: constants.PASSWORDS_REMEMBERED - 1]
    return [user.password, *earlier] if user.has_usable_password() else list(earlier)


def _refuse(broken: list[Fault]) -> None:
    if broken:
        raise errors.PasswordWeak(
            broken[0][1],
            errors=[
                {"pointer": "#/password", "code": code, "detail": detail} for code, detail in broken
            ],
        )
