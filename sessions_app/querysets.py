"""The vocabulary for reading sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, Func, OuterRef, Value

from accounts.models import Factor
from core import db
from core.principals import Principal
from sessions_app.tokens import TokenKey

if TYPE_CHECKING:
    from sessions_app.models import Cookie, CookieJar, Session


class SessionQuerySet(models.QuerySet["Session"]):
    """Each method is one phrase; none orders unless it says so."""

    def live(self, at: dt.datetime) -> SessionQuerySet:
        """Return the sessions that are neither revoked nor past their absolute end."""
        return self.filter(revoked_at=None, expires_at__gt=db.no_earlier_than_now(at))

    def not_idle(self, at: dt.datetime) -> SessionQuerySet:
        """Return the sessions that were last used within what each of them allows."""
        idle = Func(*[Value(0)] * 6, F("idle_timeout_s"), function="make_interval")
        longest = ExpressionWrapper(db.no_earlier_than_now(at) - idle, models.DateTimeField())
        return self.filter(last_seen_at__gte=longest)

    def of_user(self, user_id: uuid.UUID) -> SessionQuerySet:
        """Return one person's sessions."""
        return self.filter(user_id=user_id)

    def of_token(self, key: TokenKey) -> SessionQuerySet:
        """Return the session that this token speaks for, if any."""
        return self.filter(token_sha256=key.sha256, user_id=key.user_id)

    def with_factor(self) -> SessionQuerySet:
        """Say of each session, in the same query, whether its person has a second factor."""
        factors = Factor.objects.filter(user_id=OuterRef("user_id"), confirmed_at__isnull=False)
        return self.annotate(has_factor=Exists(factors))  # type: ignore[no-redef]  # declared there for readers

    def unless_ended(self, session: Session) -> SessionQuerySet:
        """Return the row of ``session``, by its whole key, unless it has ended meanwhile."""
        assert session.user_id is not None
        return self.filter(pk=session.pk, user_id=session.user_id, revoked_at=None)

    def visible_to(self, actor: Principal) -> SessionQuerySet:
        """Return one's own sessions, or with the permission everybody's, to be ended."""
        if actor.may("sessions_app.revoke_any_session"):
            return self.all()
        return self.of_user(actor.user_id)

    def readable_by(self, actor: Principal) -> SessionQuerySet:
        """Return one's own sessions, or with the permission everybody's, to be looked at."""
        if actor.may("sessions_app.view_session"):
            return self.all()
        return self.of_user(actor.user_id)


class CookieJarQuerySet(models.QuerySet["CookieJar"]):
    """Each method is one phrase; none orders unless it says so."""

    def of_owner(self, user_id: uuid.UUID) -> CookieJarQuerySet:
        """Return one owner's jars; nobody else reaches into a jar, staff neither."""
        return self.filter(user_id=user_id)


class CookieQuerySet(models.QuerySet["Cookie"]):
    """Each method is one phrase; none orders unless it says so."""

    def live(self, at: dt.datetime) -> CookieQuerySet:
        """Return the cookies that are neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=db.no_earlier_than_now(at))

    def of_user(self, user_id: uuid.UUID) -> CookieQuerySet:
        """Return one person's cookies."""
        return self.filter(user_id=user_id)

    def unless_revoked(self, cookie: Cookie) -> CookieQuerySet:
        """Return the row of ``cookie``, by its whole key, unless it was revoked meanwhile."""
        assert cookie.user_id is not None
        return self.filter(pk=cookie.pk, user_id=cookie.user_id, revoked_at=None)

    def revocable_by(self, actor: Principal) -> CookieQuerySet:
        """Return one's own cookies, or with the permission everybody's."""
        if actor.may("sessions_app.revoke_any_cookie"):
            return self.all()
        return self.of_user(actor.user_id)
