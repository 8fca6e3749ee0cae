"""What can be done with people's accounts."""

from accounts.services.access import set_active
from accounts.services.emails import normalize_email
from accounts.services.imports import import_people
from accounts.services.login import verify_login
from accounts.services.passwords import require_strong_password
from accounts.services.registration import create_staff_user, register_user
from accounts.services.roles import sync_roles

__all__ = [
    "create_staff_user",
    "import_people",
    "normalize_email",
    "register_user",
    "require_strong_password",
    "set_active",
    "sync_roles",
    "verify_login",
]
