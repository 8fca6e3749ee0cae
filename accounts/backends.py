"""How Django's admin asks who somebody is: the same login service as the API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from typing_extensions import override

from accounts import services
from accounts.errors import LoginRefused
from accounts.models import User
from core.errors import RateLimited


class StaffBackend(ModelBackend):
    """Lets active staff in; permissions come from roles as usual."""

    @override
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        try:
            user = services.verify_login(email=username, password=password)
        except (LoginRefused, RateLimited):
            return None
        return user if user.is_staff else None
