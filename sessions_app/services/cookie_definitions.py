"""The registry of cookies that applications may issue, kept by staff."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import IntegrityError
from django.db.models import F

from core import audit, clock, db, ids
from core.errors import PermissionRefused, PreconditionFailed
from core.principals import Principal
from sessions_app import constants, selectors
from sessions_app.errors import DefinitionBuiltIn, DefinitionExists, DefinitionInvalid
from sessions_app.models import CookieDefinition
from sessions_app.rfc6265.writing import Attributes, faults_of


def define_cookie(
    *, name: str, category: str, purpose: str, attributes: Attributes, actor: Principal
) -> CookieDefinition:
    """Let applications issue a cookie. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: not staff who may manage cookies.
        DefinitionInvalid: browsers would refuse it or keep it unsafely; every reason is given.
        DefinitionExists: the name is taken.
    """
    _require_manager(actor)
    _require_kept(name, attributes)
    lifetime_s = attributes.max_age_s
    assert lifetime_s is not None, "the edge asks for one"

    def define() -> CookieDefinition:
        row = CookieDefinition.objects.create(
            id=ids.uuid7(),
            name=name,
            category=category,
            purpose=purpose,
            domain=attributes.domain,
            path=attributes.path,
            secure=attributes.secure,
            http_only=attributes.http_only,
            same_site=attributes.same_site,
            partitioned=attributes.partitioned,
            max_age_s=lifetime_s,
            created_at=clock.now(),
        )
        _tell("cookie_definition.create", row, actor)
        return row

    try:
        return db.run_in_transaction(define)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "cookie_definition_name_once":
            raise
        raise DefinitionExists(f"There is a cookie {name}.") from exc


def change_definition(
    *,
    definition_id: uuid.UUID,
    version: int,
    purpose: str | None = None,
    max_age_s: int | None = None,
    is_active: bool | None = None,
    actor: Principal,
) -> CookieDefinition:
    """Change what may change of a definition whose ``version`` the caller has seen.

    What was issued before stays as it is. Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: not staff who may manage cookies.
        DefinitionNotFound: no such definition.
        DefinitionBuiltIn: the service needs this one.
        PreconditionFailed: somebody changed it since.
    """
    _require_manager(actor)
    wanted = {"purpose": purpose, "max_age_s": max_age_s, "is_active": is_active}
    changes = {name: value for name, value in wanted.items() if value is not None}

    def change() -> CookieDefinition:
        row = selectors.get_definition(definition_id)
        if row.name in constants.BUILT_IN_NAMES:
            raise DefinitionBuiltIn(f"The service itself issues {row.name}.")
        changed = CookieDefinition.objects.filter(pk=row.pk, version=version).update(
            version=F("version") + 1, **changes
        )
        if not changed:
            raise PreconditionFailed("Somebody changed the definition; look at it again.")
        row.refresh_from_db()
        _tell("cookie_definition.change", row, actor, changed=sorted(changes))
        return row

    return db.run_in_transaction(change)


def _require_manager(actor: Principal) -> None:
    if not actor.may("sessions_app.manage_cookies"):
        raise PermissionRefused("Only staff who manage cookies define them.")


def _require_kept(name: str, attributes: Attributes) -> None:
    faults = [
        {
            "pointer": f"#/{fault.attribute}",
            "code": fault.code,
            "detail": fault.detail,
            "clause": fault.clause,
        }
        for fault in faults_of(name, "", attributes)
    ]
    if not attributes.http_only:
        detail = "The browser holds a credential: hide it from scripts."
        fault = {"pointer": "#/http_only", "code": "COOKIE_HTTP_ONLY", "detail": detail}
        faults.append({**fault, "clause": "4.1.2.6"})
    if faults:
        detail = faults[0]["detail"] if len(faults) == 1 else f"{len(faults)} faults; see errors."
        raise DefinitionInvalid(detail, errors=faults)


def _tell(action: str, row: CookieDefinition, actor: Principal, **data: Any) -> None:
    audit.record(
        action=action,
        actor=actor,
        user_id=actor.user_id,
        target_type="cookie_definition",
        target_id=row.pk,
        name=row.name,
        **data,
    )
