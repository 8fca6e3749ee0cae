"""The vocabulary for reading sessions."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import models

from core.principals import Principal

if TYPE_CHECKING:
    from sessions_app.models import CookieJar, Session


class SessionQuerySet(models.QuerySet["Session"]):
    """Each method is one phrase; none orders unless it says so."""

    def live(self, at: dt.datetime) -> SessionQuerySet:
        """Return the sessions that are neither revoked nor past their absolute end."""
        return self.filter(revoked_at=None, expires_at__gt=at)

    def of_user(self, user_id: uuid.UUID) -> SessionQuerySet:
        """Return one person's sessions."""
        return self.filter(user_id=user_id)

    def visible_to(self, actor: Principal) -> SessionQuerySet:
        """Return one's own sessions, or with the permission everybody's."""
        if actor.may("sessions_app.revoke_any_session"):
            return self.all()
        return self.of_user(actor.user_id)


class CookieJarQuerySet(models.QuerySet["CookieJar"]):
    """Each method is one phrase; none orders unless it says so."""

    def of_owner(self, user_id: uuid.UUID) -> CookieJarQuerySet:
        """Return one owner's jars; nobody else reaches into a jar, staff neither."""
        return self.filter(user_id=user_id)
