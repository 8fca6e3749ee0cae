"""Reading sessions and cookies."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db.models import F, FilteredRelation, Q

from accounts.models import User
from core import clock
from core.pagination import Page, PageRequest
from core.principals import Principal
from sessions_app.errors import JarNotFound
from sessions_app.models import CookieJar, JarCookie, Session
from sessions_app.rfc6265.hosts import domains_of
from sessions_app.tokens import TokenKey


def live_sessions(*, actor: Principal, asked: PageRequest) -> Page[Session]:
    """Return a page of the caller's own live sessions, newest first."""
    rows = Session.objects.of_user(actor.user_id).live(clock.now())
    if asked.position is not None:
        (last_id,) = asked.position
        rows = rows.filter(id__gt=last_id) if asked.backwards else rows.filter(id__lt=last_id)
    ordered = rows.order_by("id" if asked.backwards else "-id")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [str(row.pk)])


def stored_session(key: TokenKey, *, at: dt.datetime) -> Session | None:
    """Return the session of this token if it is valid ``at``, with its person joined.

    Valid: not revoked, within both time limits, of the person's current epoch, and the person
    active.
    """
    session = (
        Session.objects.select_related("user")
        .filter(token_sha256=key.sha256, user_id=key.user_id)
        .live(at)
        .first()
    )
    if session is None or session.user is None:
        return None
    idle_since = at - session.last_seen_at
    if idle_since > dt.timedelta(seconds=session.idle_timeout_s):
        return None
    if not session.user.is_active or session.epoch != session.user.session_epoch:
        return None
    return session


def facts_of(session: Session, user: User) -> dict[str, Any]:
    """Return what a request needs to know of a valid session, as JSON; staff with permissions."""
    permissions = sorted(user.get_all_permissions()) if user.is_staff else []
    return {
        "session_id": str(session.pk),
        "user_id": str(user.pk),
        "kind": "staff" if user.is_staff else "user",
        "permissions": permissions,
        "assurance_level": session.assurance_level,
        "authenticated_at": session.authenticated_at.timestamp(),
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
