"""Reading issued cookies and their registry."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db.models import Exists, OuterRef

from accounts.models import User
from core import clock
from core.errors import PermissionRefused
from core.pagination import Page, PageRequest, page_by_id
from core.principals import Principal
from sessions_app.errors import DefinitionNotFound
from sessions_app.models import Cookie, CookieDefinition, Session


def definitions(*, actor: Principal, asked: PageRequest) -> Page[CookieDefinition]:
    """Return a page of the registry, newest first.

    Raises:
        PermissionRefused: not staff.
    """
    _require_staff(actor)
    return page_by_id(CookieDefinition.objects.all(), asked)


def active_definitions() -> list[CookieDefinition]:
    """Return the cookies in use, by name: what a banner tells of."""
    return list(CookieDefinition.objects.filter(is_active=True).order_by("name"))


def definition(definition_id: uuid.UUID, *, actor: Principal) -> CookieDefinition:
    """Return one definition, for staff.

    Raises:
        PermissionRefused: not staff.
        DefinitionNotFound: there is none.
    """
    _require_staff(actor)
    return get_definition(definition_id)


def get_definition(definition_id: uuid.UUID) -> CookieDefinition:
    """Return one definition.

    Raises:
        DefinitionNotFound: there is none.
    """
    row: CookieDefinition | None = CookieDefinition.objects.filter(pk=definition_id).first()
    if row is None:
        raise DefinitionNotFound("There is no such definition.")
    return row


def get_definition_named(name: str) -> CookieDefinition:
    """Return the definition of the cookie ``name``, as it is written exactly.

    Raises:
        DefinitionNotFound: there is none.
    """
    row: CookieDefinition | None = CookieDefinition.objects.filter(name=name).first()
    if row is None:
        raise DefinitionNotFound(f"No cookie {name} is in the registry.")
    return row


def live_cookies(*, actor: Principal, asked: PageRequest) -> Page[Cookie]:
    """Return a page of the caller's own live cookies without what is behind them, newest first."""
    rows = Cookie.objects.of_user(actor.user_id).live(clock.now())
    unseen = ("value_sealed", "current_sha256", "previous_sha256")
    return page_by_id(rows.select_related("definition").defer(*unseen), asked)


def person_of(cookie: Cookie) -> User | None:
    """Return whose cookie this is; ``None`` for a visitor."""
    person: User | None = User.objects.filter(pk=cookie.user_id).first()
    return person


def live_cookie(
    cookie_id: uuid.UUID, user_id: uuid.UUID, *, name: str, at: dt.datetime
) -> Cookie | None:
    """Return this cookie if it is valid ``at``, with its definition joined.

    Valid: neither revoked nor expired, its person active, its session not ended.
    """
    locked = User.objects.filter(pk=OuterRef("user_id"), is_active=False)
    cookie = (
        Cookie.objects.live(at)
        .select_related("definition")
        .filter(~Exists(locked), pk=cookie_id, user_id=user_id)
        .first()
    )
    if cookie is None or cookie.definition.name != name:
        return None
    if cookie.session_id is not None:
        session = Session.objects.live(at).filter(pk=cookie.session_id, user_id=user_id)
        return cookie if session.exists() else None
    return cookie


def _require_staff(actor: Principal) -> None:
    if not actor.may("sessions_app.view_cookiedefinition"):
        raise PermissionRefused("The registry is for staff; cookie-policy is for everybody.")
