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

    ``email`` is where mails go; ``email_normalized`` decides who is who, and so does
    ``username_normalized`` for those who chose a user name. ``session_epoch`` is part of every
    session: raising it ends all of them. There is no ``last_login``: a write for each login has no
    place on a table every node of a cluster holds. A deleted person's row stays, because the
    ledger refers to it.
    """

    last_login = None

    # Imported hashes are longer than ours.
    password = models.CharField(max_length=constants.STORED_PASSWORD_LENGTH_MAX)
    id = models.UUIDField(primary_key=True, default=ids.uuid7, editable=False)
    email = models.EmailField("e-mail", max_length=constants.EMAIL_LENGTH_MAX)
    email_normalized = models.CharField(max_length=constants.EMAIL_LENGTH_MAX, editable=False)
    email_verified_at = models.DateTimeField("e-mail verified", null=True, editable=False)
    username = models.CharField(max_length=constants.USERNAME_LENGTH_MAX, null=True)  # noqa: DJ001 - NULLs are distinct, empty texts are not
    username_normalized = models.CharField(  # noqa: DJ001 - as above
        max_length=constants.USERNAME_LENGTH_MAX, null=True, editable=False
    )
    name = models.CharField(max_length=constants.NAME_LENGTH_MAX, blank=True)
    locale = models.CharField(
        "language", max_length=constants.LOCALE_LENGTH_MAX, default=constants.LOCALE_DEFAULT
    )
    public_metadata = models.JSONField("notes the person sees", default=dict)
    private_metadata = models.JSONField("notes for staff", default=dict)
    is_active = models.BooleanField(
        "active", default=True, help_text="Off: this person cannot log in, at once, anywhere."
    )
    locked_at = models.DateTimeField("locked out since", null=True, editable=False)
    lock_reason = models.CharField(
        "why locked out", max_length=constants.REASON_LENGTH_MAX, blank=True, editable=False
    )
    deleted_at = models.DateTimeField("deleted", null=True, editable=False)
    mfa_enforced = models.BooleanField(
        "needs a second factor",
        default=False,
        help_text="Must prove two things to do anything that asks for a fresh login.",
    )
    has_one_time_password = models.BooleanField(
        "must choose a password",
        default=False,
        db_default=False,
        editable=False,
        help_text="Somebody else made the password: it opens nothing but what replaces it.",
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
        permissions: ClassVar = [
            ("lock_user", "Can lock people out and let them in again"),
            ("help_user", "Can send links to people and make them choose a new password"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="users_email_once", fields=["email_normalized"]),
            models.UniqueConstraint(name="users_username_once", fields=["username_normalized"]),
            models.CheckConstraint(
                name="users_locked_with_a_reason",
                condition=models.Q(locked_at=None, lock_reason="")
                | (models.Q(locked_at__isnull=False, is_active=False) & ~models.Q(lock_reason="")),
            ),
            models.CheckConstraint(
                name="users_deleted_cannot_log_in",
                condition=models.Q(deleted_at=None) | models.Q(is_active=False),
            ),
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

    @property
    def may_log_in(self) -> bool:
        """Whether a right password is enough to let this person in."""
        return self.is_active and self.email_verified_at is not None

    def get_short_name(self) -> str:
        """Return what the admin greets the person by."""
        return self.name or self.email
