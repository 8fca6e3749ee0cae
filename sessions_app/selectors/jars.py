"""Reading cookie jars."""

from __future__ import annotations

import uuid

from django.db.models import F, FilteredRelation, Q

from core import clock
from core.pagination import Page, PageRequest, page_by_id
from core.principals import Principal
from sessions_app.errors import JarNotFound
from sessions_app.models import CookieJar, JarCookie
from sessions_app.rfc6265.hosts import domains_of


def get_jar(*, jar_id: uuid.UUID, actor: Principal) -> CookieJar:
    """Return one of the caller's jars.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    jar: CookieJar | None = CookieJar.objects.of_owner(actor.user_id).filter(pk=jar_id).first()
    if jar is None:
        raise JarNotFound("There is no such jar.")
    return jar


def cookie_jars(*, actor: Principal, asked: PageRequest) -> Page[CookieJar]:
    """Return a page of the caller's jars, newest first."""
    rows = CookieJar.objects.of_owner(actor.user_id)
    return page_by_id(rows, asked)


def jar_cookies(
    *, jar_id: uuid.UUID, host: str | None, actor: Principal, asked: PageRequest
) -> Page[JarCookie]:
    """Return a page of a jar's live cookies without their values, newest first.

    With ``host`` those that this host could be sent.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    jar = get_jar(jar_id=jar_id, actor=actor)
    rows = JarCookie.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=clock.now()), jar_id=jar.pk, user_id=jar.user_id
    ).defer("value_sealed", "identity_sha256")
    if host is not None:
        rows = rows.filter(Q(domain=host) | Q(domain__in=domains_of(host), host_only=False))
    return page_by_id(rows, asked)


def jar_cookies_near(jar_id: uuid.UUID, host: str, *, actor: Principal) -> list[JarCookie]:
    """Return the cookies of a jar that belong to ``host`` or a domain above it, in one query.

    Raises:
        JarNotFound: no such jar, or not the caller's.
    """
    columns = [field.attname for field in JarCookie._meta.concrete_fields]  # noqa: SLF001 - Django's documented Model._meta API
    found = list(
        CookieJar.objects.of_owner(actor.user_id)
        .filter(pk=jar_id)
        .annotate(
            near=FilteredRelation(
                "cookies",
                condition=Q(cookies__domain__in=domains_of(host), cookies__user_id=F("user_id")),
            )
        )
        .values_list(*(f"near__{column}" for column in columns))
    )
    if not found:
        raise JarNotFound("There is no such jar.")
    # A jar without such cookies is one row of nothing.
    return [JarCookie(**dict(zip(columns, row, strict=True))) for row in found if row[0]]
