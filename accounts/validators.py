"""Holds the admin's password form to the same rule as everything else."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

from accounts import services
from accounts.errors import PasswordWeak


class StrongPassword:
    """A Django password validator over :func:`accounts.services.require_strong_password`."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raise Django's ValidationError for each rule the password breaks."""
        words = (str(getattr(user, "email_normalized", "")), str(getattr(user, "name", "")))
        try:
            services.require_strong_password(
                password,
                context_words=words,
                is_mfa_enforced=getattr(user, "mfa_enforced", False),
            )
        except PasswordWeak as exc:
            raise ValidationError(
                [fault["detail"] for fault in exc.extensions["errors"]], code="weak"
            ) from exc

    def get_help_text(self) -> str:
        """Say the rule before it is broken."""
        return "A long sentence is better than a short riddle; no symbols are asked for."
