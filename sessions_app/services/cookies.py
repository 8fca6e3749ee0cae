"""Cookies in browsers: issued, used once each, found stolen, revoked.

The browser holds a token and we its hash, so a copy of the database opens nothing. Each use
replaces the token by its successor in one compare-and-set. Parallel requests with one token get the
same successor, for a short grace; the same token later is in two hands, and everything the thief
could hold ends.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid

from django.conf import settings
from django.db.models import F

from accounts.services import notices
from core import audit, clock, context, crypto, db, ids, outbox, personal_keys
from core.errors import PermissionRefused
from core.principals import HOUSE_USER_ID, SYSTEM, Principal
from sessions_app import chains, constants, selectors
from sessions_app.chains import Link
from sessions_app.errors import (
    CookieInvalid,
    CookieLifetimeTooLong,
    CookieNotFound,
    DefinitionRetired,
    SubjectRefused,
)
from sessions_app.models import Cookie, CookieDefinition, Session
from sessions_app.rfc6265.writing import set_cookie
from sessions_app.services.consents import require_consent
from sessions_app.services.endings import end_sessions_of
from sessions_app.services.subjects import Subject

_OURS = (constants.COOKIE_REMEMBER, constants.COOKIE_DEVICE)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be issued.

    With ``session_id`` the cookie ends with that session. ``gpc`` is whether the browser asks now
    not to be tracked (Global Privacy Control).
    """

    name: str
    value: str
    session_id: uuid.UUID | None = None
    max_age_s: int | None = None
    gpc: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Handed:
    """A cookie and the newest token of it, which the browser is to keep for ``max_age_s``."""

    cookie: Cookie
    token: str
    max_age_s: int

    @property
    def set_cookie(self) -> str:
        """The value of ``Set-Cookie`` that puts the token into the browser."""
        definition = self.cookie.definition
        attributes = definition.attributes(max_age_s=self.max_age_s)
        return set_cookie(definition.name, self.token, attributes)

    @property
    def value(self) -> str | None:
        """What was stored behind the cookie, in the clear."""
        sealed = self.cookie.value_sealed
        if sealed is None:
            return None
        assert self.cookie.user_id is not None
        box = personal_keys.Box(self.cookie.user_id)
        return box.unseal(bytes(sealed), bound_to=_bound_to(self.cookie.pk)).decode()


def issue_cookie(*, order: Order, subject: Subject, actor: Principal) -> Handed:
    """Put a value behind a new cookie of the registry and return the line to send.

    Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: only programs issue cookies.
        DefinitionNotFound, DefinitionRetired: not in the registry, or not any more.
        CookieLifetimeTooLong: longer than the registry allows.
        ConsentMissing: it is not necessary, and nobody agreed to it.
        SubjectRefused: the session is not a live one of the person's.
    """
    if actor.kind != "key":
        raise PermissionRefused("Cookies are issued by programs, with an API key.")

    def issue() -> Handed:
        definition = _issuable(order)
        if order.session_id is not None:
            _require_session(order.session_id, subject)
        consent_of = require_consent(subject=subject, category=definition.category, gpc=order.gpc)
        cookie = Cookie(
            user_id=subject.user_id or ids.uuid7(),
            definition=definition,
            kind=constants.COOKIE_APP,
            subject_id=consent_of,
            session_id=order.session_id,
        )
        # A visitor is nobody who could be erased, and gets a new id with each cookie.
        seal = personal_keys.Box(subject.user_id).seal if subject.user_id else crypto.seal
        cookie.value_sealed = seal(order.value.encode(), bound_to=_bound_to(cookie.id))
        handed = hand_out(cookie, max_age_s=order.max_age_s)
        _tell("cookie.issue", cookie, actor, name=order.name)
        outbox.count("cookie.issued")
        return handed

    return db.run_in_transaction(issue)


def resolve_cookie(*, name: str, token: str, actor: Principal) -> Handed:
    """Return what is behind a cookie that a browser sent, and the line that replaces its token.

    A token used before, longer ago than the grace, is theft: the person's remembered devices and
    sessions end, once, with an audit row, an event and a mail. Commits its own transaction.

    Raises:
        PermissionRefused: only programs resolve cookies.
        CookieInvalid: malformed, forged, expired, revoked, used before, or another person's than
            the key's owner; never says which.
    """
    if actor.kind != "key":
        raise PermissionRefused("Cookies are resolved by programs, with an API key.")
    link = chains.parse(token)
    is_service = actor.user_id == HOUSE_USER_ID
    if link is None or not (is_service or link.user_id == actor.user_id):
        raise CookieInvalid("Issue a new cookie.")
    handed = use(link, name=name)
    if handed is None or handed.cookie.kind != constants.COOKIE_APP:
        raise CookieInvalid("Issue a new cookie.")
    return handed


def use(link: Link, *, name: str) -> Handed | None:
    """Replace a token by its successor; ``None`` when it is good for nothing.

    Commits its own transaction, also when that is what a theft leads to.
    """
    return db.run_in_transaction(lambda: _rotate(link, name))


def hand_out(cookie: Cookie, *, max_age_s: int | None = None) -> Handed:
    """Write ``cookie``, which says whose and which it is, and return it with its line.

    Joins the caller's transaction.
    """
    assert cookie.user_id is not None, "a cookie of nobody has an id of its own there"
    now, running = clock.now(), context.current()
    cookie.key_id = crypto.current_key_id()
    first = chains.first_link(cookie.user_id, cookie.id, key_id=cookie.key_id)
    cookie.current_sha256 = first.sha256
    cookie.created_at = cookie.rotated_at = now
    cookie.expires_at = now + dt.timedelta(seconds=max_age_s or cookie.definition.max_age_s)
    cookie.client_address = running.client_address or None
    cookie.user_agent = running.user_agent[: constants.USER_AGENT_LENGTH_MAX]
    cookie.save(force_insert=True)
    return _handed(cookie, first, now)


def revoke_cookie(*, cookie_id: uuid.UUID, actor: Principal, reason: str = "by_owner") -> None:
    """End a cookie. Ending an ended one changes nothing. Commits or joins.

    Raises:
        CookieNotFound: no such cookie, or not one ``actor`` may revoke.
    """

    def revoke() -> None:
        cookie = Cookie.objects.revocable_by(actor).filter(pk=cookie_id).first()
        if cookie is None:
            raise CookieNotFound("There is no such cookie.")
        if _end(cookie, reason):
            _tell("cookie.revoke", cookie, actor, reason=reason)

    db.run_in_transaction(revoke)


def forget_devices_of(*, user_id: uuid.UUID, reason: str, **_facts: object) -> int:
    """End a person's remembered and trusted devices; return how many. Joins the transaction."""
    return (
        Cookie.objects.of_user(user_id)
        .filter(kind__in=_OURS, revoked_at=None)
        .update(revoked_at=clock.now(), revoke_reason=reason)
    )


def _rotate(link: Link, name: str) -> Handed | None:
    now = clock.now()
    cookie = selectors.live_cookie(link.chain_id, link.user_id, name=name, at=now)
    if cookie is None or not link.is_authentic():
        return None
    key_id = crypto.current_key_id()
    successor = link.successor(key_id)
    won = (
        Cookie.objects.unless_revoked(cookie)
        .filter(current_sha256=link.sha256)
        .update(
            previous_sha256=F("current_sha256"),
            current_sha256=successor.sha256,
            key_id=key_id,
            generation=F("generation") + 1,
            rotated_at=now,
        )
    )
    if won:
        cookie.rotated_at = now
        return _handed(cookie, successor, now)
    return _given_again_or_ended(link, name)


def _given_again_or_ended(link: Link, name: str) -> Handed | None:
    """Answer who came second: in time with the winner's successor, too late with the end."""
    now = clock.now()
    cookie = selectors.live_cookie(link.chain_id, link.user_id, name=name, at=now)
    if cookie is None:
        return None
    grace = dt.timedelta(seconds=settings.ENV.refresh_grace_s)
    was_just_used = (
        cookie.previous_sha256 is not None
        and bytes(cookie.previous_sha256) == link.sha256
        and now - cookie.rotated_at <= grace
    )
    if grace and was_just_used:
        return _handed(cookie, link.successor(cookie.key_id), now)
    _end_stolen(cookie)
    return None


def _end_stolen(cookie: Cookie) -> None:
    """End what a thief could hold, once however many come with used tokens."""
    assert cookie.user_id is not None
    if not _end(cookie, "theft"):
        return
    audit.record(
        action="cookie.theft_detected",
        actor=SYSTEM,
        user_id=cookie.user_id,
        target_type="cookie",
        target_id=cookie.pk,
        outcome="ended",
    )
    outbox.announce(topic="cookie.theft_detected", user_id=cookie.user_id, object_id=cookie.pk)
    person = selectors.person_of(cookie)
    if person is None:
        return
    forget_devices_of(user_id=person.pk, reason="theft")
    end_sessions_of(user_id=person.pk, actor=SYSTEM, reason="cookie_theft")
    notices.tell(person, "cookie_theft")


def _handed(cookie: Cookie, link: Link, now: dt.datetime) -> Handed:
    return Handed(cookie, link.text, max(0, int((cookie.expires_at - now).total_seconds())))


def _end(cookie: Cookie, reason: str) -> int:
    return Cookie.objects.unless_revoked(cookie).update(
        revoked_at=clock.now(), revoke_reason=reason
    )


def _issuable(order: Order) -> CookieDefinition:
    definition = selectors.get_definition_named(order.name)
    if not definition.is_active or order.name in constants.BUILT_IN_NAMES:
        raise DefinitionRetired(f"Applications do not issue {order.name}.")
    if order.max_age_s is not None and order.max_age_s > definition.max_age_s:
        raise CookieLifetimeTooLong(f"It lives at most {definition.max_age_s} seconds.")
    return definition


def _require_session(session_id: uuid.UUID, subject: Subject) -> None:
    live = Session.objects.live(clock.now()).filter(pk=session_id)
    if subject.user_id is None or not live.of_user(subject.user_id).exists():
        raise SubjectRefused("That is no live session of the person's.")


def _bound_to(cookie_id: uuid.UUID) -> str:
    return f"cookie.value_sealed:{cookie_id}"


def _tell(action: str, cookie: Cookie, actor: Principal, **data: str) -> None:
    assert cookie.user_id is not None
    audit.record(
        action=action,
        actor=actor,
        user_id=cookie.user_id,
        target_type="cookie",
        target_id=cookie.pk,
        **data,
    )
