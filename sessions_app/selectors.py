"""Reading sessions and cookies."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models import F, FilteredRelation, Q

from core import clock
from core.pagination import Page, PageRequest
from core.principals import Principal
from sessions_app import constants
from sessions_app.errors import JarNotFound
from sessions_app.models import CookieJar, JarCookie, RefreshFamily, Session, SigningKey
from sessions_app.querysets import SessionQuerySet
from sessions_app.rfc6265.hosts import domains_of
from sessions_app.tokens import TokenKey


def live_sessions(*, user_id: uuid.UUID, actor: Principal, asked: PageRequest) -> Page[Session]:
    """Return a page of one person's live sessions, newest first, as far as ``actor`` may see."""
    rows = Session.objects.visible_to(actor).of_user(user_id).live(clock.now())
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def session_of_token(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the session of this bearer token if it is valid ``at``, with its person joined.

    The admin's sessions are not for the API: their data says who is logged in there.
    """
    return _valid(Session.objects.of_token(key).exclude(kind=constants.KIND_STAFF), at)


def staff_session_of_token(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the admin's session of this token if it is valid ``at``, with its person joined."""
    return _valid(Session.objects.of_token(key).filter(kind=constants.KIND_STAFF), at)


def session_by_id(session_id: uuid.UUID, user_id: uuid.UUID, *, at: dt.datetime) -> Session | None:
    """Return this session if it is valid ``at``, with its person joined."""
    return _valid(Session.objects.filter(pk=session_id, user_id=user_id), at)


def refresh_family(family_id: uuid.UUID, user_id: uuid.UUID) -> RefreshFamily | None:
    """Return this family, ended or not."""
    return RefreshFamily.objects.filter(pk=family_id, user_id=user_id).first()


def _valid(rows: SessionQuerySet, at: dt.datetime) -> Session | None:
    """Return the session if it is not revoked, within both time limits, of the person's current
    epoch, and the person is active. A guest is nobody yet, and has no epoch.
    """
    session = rows.select_related("user").live(at).first()
    if session is None:
        return None
    if at - session.last_seen_at > dt.timedelta(seconds=session.idle_timeout_s):
        return None
    if session.kind == constants.KIND_GUEST:
        return session
    user = session.user
    if user is None or not user.is_active or session.epoch != user.session_epoch:
        return None
    return session


def facts_of(session: Session) -> dict[str, Any]:
    """Return what a request needs to know of a valid session, as JSON; staff with permissions.

    Whoever acts as somebody else has not proved to be them: no such session is a fresh login.
    """
    user = session.user
    is_staff = user is not None and user.is_staff
    is_acting = session.kind == constants.KIND_IMPERSONATION
    kind = "staff" if is_staff else "user"
    return {
        "session_id": str(session.pk),
        "user_id": str(session.user_id),
        "kind": constants.KIND_GUEST if user is None else kind,
        "permissions": sorted(user.get_all_permissions()) if user and is_staff else [],
        "assurance_level": session.assurance_level,
        "authenticated_at": None if is_acting else session.authenticated_at.timestamp(),
        "impersonator_id": session.impersonator_id and str(session.impersonator_id),
        "token_valid_until": session.token_expires_at and session.token_expires_at.timestamp(),
        "valid_until": min(
            session.expires_at,
            session.last_seen_at + dt.timedelta(seconds=session.idle_timeout_s),
        ).timestamp(),
    }


def get_jar(*, jar_id: uuid.UUID, actor: Principal) -> CookieJar:
    """Return one of the caller's jars.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    jar: CookieJar | None = CookieJar.objects.of_owner(actor.user_id).filter(pk=jar_id).first()
    if jar is None:
        raise JarNotFound("There is no such jar.")
    return jar


def cookie_jars(*, actor: Principal, asked: PageRequest) -> Page[CookieJar]:
    """Return a page of the caller's jars, newest first."""
    rows = CookieJar.objects.of_owner(actor.user_id)
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def jar_cookies(
    *, jar_id: uuid.UUID, host: str | None, actor: Principal, asked: PageRequest
) -> Page[JarCookie]:
    """Return a page of a jar's live cookies without their values, newest first.

    With ``host`` those that this host could be sent.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    jar = get_jar(jar_id=jar_id, actor=actor)
    rows = JarCookie.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=clock.now()), jar_id=jar.pk, user_id=jar.user_id
    ).defer("value_sealed")
    if host is not None:
        rows = rows.filter(Q(domain=host) | Q(domain__in=domains_of(host), host_only=False))
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def jar_cookies_near(jar_id: uuid.UUID, host: str, *, actor: Principal) -> list[JarCookie]:
    """Return the cookies of a jar that belong to ``host`` or a domain above it, in one query.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    columns = [field.attname for field in JarCookie._meta.concrete_fields]  # noqa: SLF001 - Django's documented Model._meta API
    found = list(
        CookieJar.objects.of_owner(actor.user_id)
        .filter(pk=jar_id)
        .annotate(
            near=FilteredRelation(
                "cookies",
                condition=Q(cookies__domain__in=domains_of(host), cookies__user_id=F("user_id")),
            )
        )
        .values_list(*(f"near__{column}" for column in columns))
    )
    if not found:
        raise JarNotFound("There is no such jar.")
    # A jar without such cookies is one row of nothing.
    return [JarCookie(**dict(zip(columns, row, strict=True))) for row in found if row[0]]


def usable_signing_key(key_id: uuid.UUID) -> SigningKey | None:
    """Return the key if signatures made with it count."""
    return SigningKey.objects.filter(pk=key_id, state__in=constants.SIGNING_STATES_TRUSTED).first()


def published_signing_keys() -> list[SigningKey]:
    """Return the keys that others should know: the coming one, the current one, the last ones."""
    return list(SigningKey.objects.exclude(state=constants.SIGNING_RETIRED).order_by("id"))
