"""One-time links: made, mailed, used once."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Final

from django.db.models import QuerySet

from accounts import constants, errors
from accounts.models import OneTimeToken, User
from accounts.services.notices import tell
from core import audit, clock, ids, mail, tokens
from core.principals import SYSTEM, Principal

# Which page of ours a link leads to, and which mail carries it.
_PAGES: Final = {
    constants.VERIFY_EMAIL: ("verify-email", "verify_email"),
    constants.RESET: ("reset-password", "password_reset"),
    constants.CHANGE_EMAIL: ("confirm-email", "email_change"),
    constants.INVITE: ("accept-invitation", "invitation"),
}


def send_link(
    *,
    user: User,
    purpose: str,
    actor: Principal = SYSTEM,
    template: str = "",
    to: str = "",
    payload: dict[str, Any] | None = None,
) -> None:
    """Mail ``user`` a link of this purpose; it goes out if the caller's transaction commits.

    ``template`` and ``to`` replace the purpose's usual mail and the person's address.
    """
    page, usual_template = _PAGES[purpose]
    token = make_link_token(user=user, purpose=purpose, payload=payload)
    tell(user, template or usual_template, to=to, link=mail.link_to(page, token=token))
    audit.record(
        action=f"account.{purpose}_link",
        actor=actor,
        user_id=user.pk,
        target_type="user",
        target_id=user.pk,
    )


def make_link_token(*, user: User, purpose: str, payload: dict[str, Any] | None = None) -> str:
    """Return a new token for ``user``; the older ones of this purpose open nothing any more.

    Joins the caller's transaction. Only the token's hash is stored.
    """
    token = tokens.make_token(constants.LINK_TOKEN_PREFIX, user.pk)
    key = tokens.key_of(constants.LINK_TOKEN_PREFIX, token)
    assert key is not None
    now = clock.now()
    fresh = {
        "token_sha256": key.sha256,
        "payload": payload or {},
        "created_at": now,
        "expires_at": now + dt.timedelta(seconds=constants.LINK_LIFETIME_S[purpose]),
        "consumed_at": None,
    }
    OneTimeToken.objects.update_or_create(
        user=user, purpose=purpose, defaults=fresh, create_defaults={"id": ids.uuid7(), **fresh}
    )
    return token


def was_just_sent(*, user: User, purpose: str) -> bool:
    """Return whether an open link of this purpose is so new that no second one is due."""
    since = clock.now() - dt.timedelta(seconds=constants.LINK_PAUSE_S)
    return OneTimeToken.objects.filter(
        user=user, purpose=purpose, consumed_at=None, created_at__gt=since
    ).exists()


def require_pause(*, user: User, purpose: str) -> None:
    """Refuse a second mail of this purpose right after the first.

    Raises:
        LinkTooSoon: with the seconds after which to ask again.
    """
    if was_just_sent(user=user, purpose=purpose):
        raise errors.LinkTooSoon(
            "The last mail is not two minutes old.", retry_after_s=constants.LINK_PAUSE_S
        )


def owner_of_link(token: str, *, purpose: str) -> User:
    """Return whose usable link this is, leaving it unused.

    Raises:
        LinkSpent: see :func:`use_link_token`.
    """
    row = _rows_of(token, purpose).filter(**_usable()).select_related("user").first()
    if row is None or not row.user.is_active:
        raise _spent()
    return row.user


def use_link_token(token: str, *, purpose: str) -> OneTimeToken:
    """Use a token up and return its row, with its person; of two at once one succeeds.

    Call it inside the transaction of what the link is for: a failure there leaves it unused.

    Raises:
        LinkSpent: used, expired, replaced by a newer one, withdrawn, never made, or of somebody
            who is locked out: the caller is not told which.
    """
    rows = _rows_of(token, purpose)
    if not rows.filter(**_usable()).update(consumed_at=clock.now()):
        raise _spent()
    used = rows.select_related("user").get()
    if not used.user.is_active:
        raise _spent()
    return used


def void_links(*, user_id: uuid.UUID, purposes: tuple[str, ...]) -> int:
    """Let the person's open links of these purposes open nothing; return how many there were.

    Joins the caller's transaction.
    """
    return OneTimeToken.objects.filter(
        user_id=user_id, purpose__in=purposes, consumed_at=None
    ).update(consumed_at=clock.now())


def _rows_of(token: str, purpose: str) -> QuerySet[OneTimeToken]:
    key = tokens.key_of(constants.LINK_TOKEN_PREFIX, token)
    if key is None:
        return OneTimeToken.objects.none()
    return OneTimeToken.objects.filter(
        user_id=key.user_id, token_sha256=key.sha256, purpose=purpose
    )


def _usable() -> dict[str, Any]:
    return {"consumed_at": None, "expires_at__gt": clock.now()}


def _spent() -> errors.LinkSpent:
    return errors.LinkSpent("Ask for a new link.")
