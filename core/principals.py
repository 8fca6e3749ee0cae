"""Who is calling: the one object that authentication hands to permissions and services."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from typing import Any, Literal, Protocol

from core import errors

Kind = Literal["user", "staff", "guest", "key", "system"]
Debt = Literal["", "factor", "password"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A verified caller. Never built from anything in a request body.

    ``permissions`` are Django permission names (``app.codename``), only filled for staff and for
    keys whose scopes carry them; ``assurance_level`` is 1 for one factor, 2 for two (NIST SP
    800-63B), and ``assurance_level_required`` what the person must reach for a fresh login.
    ``scopes`` are only filled for keys (kind ``key``) and the sessions they begin, whose
    ``user_id`` is their owner's, or the house's when they belong to a service; ``audience`` is the
    one whose tokens the key may ask about, by default ours. ``impersonator_id`` is the member of
    staff who acts as this person. ``is_projection`` says that a JWT stood for the session: it
    opens what the session opens, but no other token can be had for it. ``epoch`` is the person's
    when the session began: what a session makes must not outlive the end of all logins of its
    time. ``owes`` is what they must do before anything else: add the second factor their account
    needs, or replace a password that somebody else made.
    """

    kind: Kind
    user_id: uuid.UUID
    session_id: uuid.UUID | None = None
    permissions: frozenset[str] = frozenset()
    assurance_level: int = 1
    assurance_level_required: int = 1
    authenticated_at: dt.datetime | None = None
    scopes: frozenset[str] = frozenset()
    key_id: uuid.UUID | None = None
    audience: str = ""
    impersonator_id: uuid.UUID | None = None
    is_projection: bool = False
    epoch: int | None = None
    owes: Debt = ""

    is_authenticated = True
    is_anonymous = False

    def may(self, permission: str) -> bool:
        """Return whether the caller holds ``permission``; the system holds every one."""
        return self.kind == "system" or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise :class:`core.errors.PermissionRefused` unless the caller holds ``permission``."""
        if not self.may(permission):
            raise errors.PermissionRefused("This takes a permission you do not have.")


# Commands and jobs act in this name. The id is the house's: it owns what nobody else does.
HOUSE_USER_ID = uuid.UUID("00000000-0000-7000-8000-000000000001")
SYSTEM = Principal(kind="system", user_id=HOUSE_USER_ID, assurance_level=2)


class StaffUser(Protocol):
    """What Django knows of a member of staff."""

    pk: Any

    def get_all_permissions(self) -> set[str]: ...


def of_staff(user: StaffUser, *, session: object = None) -> Principal:
    """Return who a member of staff in the admin is to the services.

    ``session`` tells when they logged in, for what asks for a fresh login.
    """
    return Principal(
        kind="staff",
        user_id=user.pk,
        permissions=frozenset(user.get_all_permissions()),
        authenticated_at=getattr(session, "authenticated_at", None),
    )
