"""The vocabulary for reading people."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from core import db
from core.principals import HOUSE_USER_ID, Principal

if TYPE_CHECKING:
    from accounts.models import ApiKey, User


class UserQuerySet(models.QuerySet["User"]):
    """Each method is one phrase; none orders unless it says so."""

    def people(self) -> UserQuerySet:
        """Return everybody but the house."""
        return self.exclude(pk=HOUSE_USER_ID)

    def staff(self) -> UserQuerySet:
        """Return the people who may enter the admin."""
        return self.filter(is_staff=True, is_active=True)

    def in_state(self, state: str) -> UserQuerySet:
        """Return those who can log in (``active``), are ``locked`` or still ``unverified``."""
        if state == "locked":
            return self.exclude(locked_at=None)
        return self.filter(is_active=True, email_verified_at__isnull=state == "unverified")

    def visible_to(self, actor: Principal) -> UserQuerySet:
        """Return oneself, or with the permission everybody; nobody sees a closed account."""
        people = self.people().filter(deleted_at=None)
        if actor.may("accounts.view_user"):
            return people
        return people.filter(pk=actor.user_id)


class UserManager(models.Manager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]  # built at run time by Django
    """Finds people by the key Django's login machinery asks for."""

    def get_by_natural_key(self, email_normalized: str) -> User:
        """Return the person with this normalised e-mail."""
        user: User = self.get(email_normalized=email_normalized)
        return user


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Each method is one phrase; none orders unless it says so."""

    def of_user(self, user_id: uuid.UUID) -> ApiKeyQuerySet:
        """Return one owner's keys."""
        return self.filter(user_id=user_id)

    def usable(self, at: dt.datetime) -> ApiKeyQuerySet:
        """Return the keys that are neither revoked, nor expired, nor past their overlap."""
        now = db.no_earlier_than_now(at)
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=now),
            Q(overlap_until=None) | Q(overlap_until__gt=now),
            revoked_at=None,
        )

    def rotatable_by(self, actor: Principal) -> ApiKeyQuerySet:
        """Return one's own keys, or with the permission those of services too."""
        if actor.may("accounts.add_apikey"):
            return self.filter(user_id__in=(actor.user_id, HOUSE_USER_ID))
        return self.of_user(actor.user_id)

    def revocable_by(self, actor: Principal) -> ApiKeyQuerySet:
        """Return one's own keys, or with the permission everybody's."""
        if actor.may("accounts.revoke_any_apikey"):
            return self.all()
        return self.of_user(actor.user_id)
