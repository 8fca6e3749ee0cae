"""Reading people."""

from __future__ import annotations

import datetime as dt
import hmac
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery

from accounts import constants
from accounts.errors import (
    AccountNotFound,
    ImportNotFound,
    InvitationNotFound,
    NoticeChanged,
)
from accounts.key_format import KeyReference
from accounts.models import (
    ApiKey,
    Factor,
    ImportedRow,
    Notice,
    NoticeAcceptance,
    OneTimeToken,
    PeopleImport,
    RecoveryCode,
    User,
)
from accounts.querysets import ApiKeyQuerySet
from core import clock, scopes
from core.pagination import Page, PageRequest, page_by_id
from core.principals import HOUSE_USER_ID, Principal


def get_user(*, user_id: uuid.UUID, actor: Principal) -> User:
    """Return the person, if ``actor`` may see them.

    Raises:
        AccountNotFound: no such person, or not for ``actor`` to see.
    """
    user: User | None = User.objects.visible_to(actor).filter(pk=user_id).first()
    if user is None:
        raise AccountNotFound("There is no such account.")
    return user


def get_person(*, user_id: uuid.UUID, actor: Principal) -> User:
    """Return the person with what only staff may know.

    Raises:
        AccountNotFound: no such person, or not for ``actor`` to see.
        PermissionRefused: oneself, without the permission to see people.
    """
    user = get_user(user_id=user_id, actor=actor)
    actor.require("accounts.view_user")
    return user


def people(*, actor: Principal, asked: PageRequest, filters: Mapping[str, str]) -> Page[User]:
    """Return a page of people with their roles, newest first.

    ``filters``: ``email`` and ``username`` normalised and whole, ``state``, ``role``.

    Raises:
        PermissionRefused: ``actor`` may not see people.
    """
    actor.require("accounts.view_user")
    rows = User.objects.visible_to(actor).prefetch_related("groups")
    if "state" in filters:
        rows = rows.in_state(filters["state"])
    columns = {
        "email": "email_normalized",
        "username": "username_normalized",
        "role": "groups__name",
    }
    wanted = {columns[name]: value for name, value in filters.items() if name in columns}
    return page_by_id(rows.filter(**wanted).defer("password"), asked)


def invitations(*, actor: Principal, asked: PageRequest) -> Page[OneTimeToken]:
    """Return a page of the open invitations with their people and roles, newest first.

    Raises:
        PermissionRefused: ``actor`` may not see people.
    """
    actor.require("accounts.view_user")
    return page_by_id(_open_invitations(), asked)


def get_invitation(*, invitation_id: uuid.UUID, actor: Principal) -> OneTimeToken:
    """Return an open invitation.

    Raises:
        PermissionRefused: ``actor`` may not see people.
        InvitationNotFound: there is no such open invitation.
    """
    actor.require("accounts.view_user")
    invitation = _open_invitations().filter(pk=invitation_id).first()
    if invitation is None:
        raise InvitationNotFound("There is no such open invitation.")
    return invitation


def person_by_login_name(normalized: str) -> User | None:
    """Return whose normalised e-mail address or user name this is; no user name holds an ``@``."""
    is_email = "@" in normalized
    column = "email_normalized" if is_email else "username_normalized"
    user: User | None = User.objects.filter(**{column: normalized}).first()
    return user


def has_staff() -> bool:
    """Return whether anybody may enter the admin."""
    return bool(User.objects.staff().exists())


def has_factor(*, user_id: uuid.UUID) -> bool:
    """Return whether this person has a second factor that counts."""
    return bool(Factor.objects.filter(user_id=user_id, confirmed_at__isnull=False).exists())


def permissions_now(*, user_id: uuid.UUID) -> frozenset[str] | None:
    """Return what somebody may do beyond their own things; ``None`` when they may do nothing.

    That is when they are locked out or gone: for what happens in their name while they are away.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return None if user is None else _permissions(user)


def api_keys(*, actor: Principal, asked: PageRequest) -> Page[ApiKey]:
    """Return a page of the caller's own keys, newest first, ended ones too."""
    return page_by_id(ApiKey.objects.of_user(actor.user_id).defer("secret_sha256"), asked)


def aged_api_keys(*, older_than_days: int) -> ApiKeyQuerySet:
    """Return the working keys made more than so many days ago, oldest first, with their owners.

    A key that was rotated already is not among them.
    """
    now = clock.now()
    return (
        ApiKey.objects.usable(now)
        .filter(replaced_at=None, created_at__lt=now - dt.timedelta(days=older_than_days))
        .select_related("user")
        .order_by("created_at")
    )


def people_import(*, import_id: uuid.UUID, actor: Principal) -> PeopleImport:
    """Return an import.

    Raises:
        ImportNotFound: no such import, or not for ``actor`` to see.
    """
    found: PeopleImport | None = PeopleImport.objects.filter(pk=import_id).first()
    if found is None or not actor.may("accounts.add_user"):
        raise ImportNotFound("There is no such import.")
    return found


def import_counts(*, of: PeopleImport) -> dict[str, int]:
    """Return how many rows have come to which end so far."""
    counted = dict(of.rows.order_by().values_list("outcome").annotate(Count("id")))
    return {outcome: counted.get(outcome, 0) for outcome in constants.IMPORT_OUTCOMES}


def imported_rows(*, of: PeopleImport, asked: PageRequest) -> Page[ImportedRow]:
    """Return a page of what became of the rows, in their order."""
    rows = of.rows.all()
    if asked.position is not None:
        (last,) = asked.position
        rows = rows.filter(number__lt=last) if asked.backwards else rows.filter(number__gt=last)
    ordered = rows.order_by("-number" if asked.backwards else "number")
    return Page(list(ordered[: asked.limit + 1]), asked, key=lambda row: [row.number])


def usable_api_key(reference: KeyReference, *, at: dt.datetime) -> ApiKey | None:
    """Return the key with this text if it is valid ``at``, with its owner joined."""
    key = valid_api_key(reference.key_id, reference.user_id, at=at)
    if key is None or not hmac.compare_digest(bytes(key.secret_sha256), reference.sha256):
        return None
    return key


def valid_api_key(key_id: uuid.UUID, user_id: uuid.UUID, *, at: dt.datetime) -> ApiKey | None:
    """Return this key if it is valid ``at``, with its owner joined.

    Valid: not revoked, expired or past its overlap, and its owner is the house, or active and of
    the epoch the key was made in.
    """
    rows = ApiKey.objects.select_related("user").of_user(user_id).usable(at)
    key = rows.filter(pk=key_id).first()
    if key is None:
        return None
    is_of_living = key.user.is_active and key.epoch == key.user.session_epoch
    return key if is_of_living or key.user_id == HOUSE_USER_ID else None


def valid_api_key_or_successor(
    key_id: uuid.UUID, user_id: uuid.UUID, *, at: dt.datetime
) -> ApiKey | None:
    """Return this key, or the last one it was rotated to, if that is valid ``at``.

    A key that was revoked has no successor: whoever stole it must not live on in one.
    """
    rotated = ApiKey.objects.of_user(user_id).filter(revoked_at=None, replaced_by_id__isnull=False)
    while (older := rotated.filter(pk=key_id).first()) is not None:
        assert older.replaced_by_id is not None
        key_id = older.replaced_by_id
    return valid_api_key(key_id, user_id, at=at)


def facts_of_api_key(key: ApiKey) -> dict[str, Any]:
    """Return what a request needs to know of a valid key, as JSON.

    A scope that carries a permission its owner has lost since is not among them.
    """
    held = None if key.user_id == HOUSE_USER_ID else _permissions(key.user)
    names = scopes.within(key.scopes, permissions=held)
    ends = [moment for moment in (key.expires_at, key.overlap_until) if moment is not None]
    return {
        "key_id": str(key.pk),
        "user_id": str(key.user_id),
        "scopes": sorted(names),
        "permissions": sorted(scopes.permissions_of(names)),
        "allowed_cidrs": key.allowed_cidrs,
        "audience": key.audience,
        "valid_until": min(ends).timestamp() if ends else float(2**53),
    }


def factors(*, actor: Principal) -> list[Factor]:
    """Return the caller's second factors that count, oldest first."""
    mine = Factor.objects.filter(user_id=actor.user_id, confirmed_at__isnull=False)
    return list(mine.order_by("id"))


def recovery_codes_left(*, actor: Principal) -> int:
    """Return how many of the caller's recovery codes are unused."""
    return RecoveryCode.objects.filter(user_id=actor.user_id, used_at=None).count()


def newest_notices() -> QuerySet[Notice]:
    """Return what is in force, one of each kind, without the words."""
    return Notice.objects.order_by("kind", "-version").distinct("kind").defer("text")


def notices_of(*, user_id: uuid.UUID) -> QuerySet[Notice]:
    """Return what is in force, each with ``accepted_at``: when this person agreed to it."""
    mine = NoticeAcceptance.objects.filter(user_id=user_id, notice=OuterRef("pk"))
    return newest_notices().annotate(accepted_at=Subquery(mine.values("accepted_at")[:1]))


def notices_to_accept(*, user_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return kind and version of what is in force and this person has not agreed to."""
    return [
        {"kind": notice.kind, "version": notice.version}
        for notice in notices_of(user_id=user_id)
        if notice.accepted_at is None  # type: ignore[attr-defined]  # annotated
    ]


def notices_in_force(versions: Iterable[tuple[str, int]]) -> list[Notice]:
    """Return the notices with these kinds and versions.

    Raises:
        NoticeChanged: one of them is not in force.
    """
    newest = {notice.kind: notice for notice in newest_notices()}
    found = []
    for kind, version in versions:
        notice = newest.get(kind)
        if notice is None or notice.version != version:
            raise NoticeChanged(
                f"This is not the {kind} notice that is in force.",
                version=notice and notice.version,
            )
        found.append(notice)
    return found


def notice_versions(*, kind: str) -> list[Notice]:
    """Return every version of one kind, newest first, without the words."""
    return list(Notice.objects.filter(kind=kind).defer("text"))


def _permissions(user: User) -> frozenset[str]:
    return frozenset(user.get_all_permissions()) if user.is_staff else frozenset()


def _open_invitations() -> QuerySet[OneTimeToken]:
    return (
        OneTimeToken.objects.filter(
            purpose=constants.INVITE, consumed_at=None, expires_at__gt=clock.now()
        )
        .select_related("user")
        .defer("token_sha256", "user__password")
        .prefetch_related("user__groups")
    )
