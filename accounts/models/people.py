"""People."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts import constants
from accounts.querysets import UserManager
from core import ids
from core.principals import HOUSE_USER_ID


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or the house (one reserved row that owns what nobody else does).

    ``email`` is shown as typed; ``email_normalized`` decides who is who. ``session_epoch`` is
    part of every session: raising it ends all of them. There is no ``last_login``: a write for
    each login has no place on a table every node of a cluster holds.
    """

    last_login = None

    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    email = models.EmailField("e-mail", max_length=constants.EMAIL_LENGTH_MAX)
    email_normalized = models.CharField(max_length=constants.EMAIL_LENGTH_MAX, editable=False)
    name = models.CharField(max_length=constants.NAME_LENGTH_MAX, blank=True)
    is_active = models.BooleanField(
        "active", default=True, help_text="Off: this person cannot log in, at once, anywhere."
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May enter this admin.")
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField("joined", db_default=Now(), editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email_normalized"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["email"]

    class Meta:
        db_table = "users"
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(name="users_email_once", fields=["email_normalized"]),
            models.CheckConstraint(
                name="users_house_cannot_log_in",
                condition=~models.Q(pk=HOUSE_USER_ID)
                | models.Q(is_active=False, is_staff=False, is_superuser=False),
            ),
            models.CheckConstraint(
                name="users_email_normalized_not_empty", condition=~models.Q(email_normalized="")
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.email

    def get_short_name(self) -> str:
        """Return what the admin greets the person by."""
        return self.name or self.email
