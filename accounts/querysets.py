"""The vocabulary for reading people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from core.principals import HOUSE_USER_ID, Principal

if TYPE_CHECKING:
    from accounts.models import User


class UserQuerySet(models.QuerySet["User"]):
    """Each method is one phrase; none orders unless it says so."""

    def people(self) -> UserQuerySet:
        """Return everybody but the house."""
        return self.exclude(pk=HOUSE_USER_ID)

    def staff(self) -> UserQuerySet:
        """Return the people who may enter the admin."""
        return self.filter(is_staff=True, is_active=True)

    def visible_to(self, actor: Principal) -> UserQuerySet:
        """Return oneself, or with the permission everybody."""
        if actor.may("accounts.view_user"):
            return self.people()
        return self.filter(pk=actor.user_id)


class UserManager(models.Manager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]  # built at run time by Django
    """Finds people by the key Django's login machinery asks for."""

    def get_by_natural_key(self, email_normalized: str) -> User:
        """Return the person with this normalised e-mail."""
        user: User = self.get(email_normalized=email_normalized)
        return user
