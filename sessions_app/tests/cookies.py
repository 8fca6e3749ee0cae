"""Jars, issued cookies and consents for tests."""

from __future__ import annotations

import uuid
from typing import Any

from core import ids
from core.principals import HOUSE_USER_ID, Principal
from sessions_app import constants, selectors, services
from sessions_app.models import CookieDefinition
from sessions_app.rfc6265.writing import Attributes

SITE = "https://www.example.org/shop/cart"
LINES = ("sid=secret-of-sid; Path=/; Secure; HttpOnly", "theme=dark; Domain=example.org; Path=/")


def filled_jar(actor: Principal, label: str = "crawler", *lines: str, url: str = SITE) -> uuid.UUID:
    """Make a jar that holds ``lines``, or two cookies; return its id."""
    jar = services.create_jar(label=label, actor=actor)
    services.store_cookies(
        jar_id=jar.pk,
        lines=lines or LINES,
        exchange=services.exchange_at(url=url, is_navigation=True),
        actor=actor,
    )
    return jar.pk


def header(actor: Principal, jar_id: uuid.UUID, url: str = SITE) -> str:
    """Return what a jar sends to ``url``."""
    return services.cookie_header(
        jar_id=jar_id, exchange=services.exchange_at(url=url), actor=actor
    )


def service_key(*scopes: str) -> Principal:
    """The caller that a service's API key is."""
    return Principal(
        kind="key", user_id=HOUSE_USER_ID, key_id=ids.uuid7(), scopes=frozenset(scopes)
    )


SERVICE = service_key(constants.COOKIES_ISSUE, constants.COOKIES_RESOLVE)
STAFF = Principal(
    kind="staff",
    user_id=HOUSE_USER_ID,
    permissions=frozenset({"sessions_app.manage_cookies", "sessions_app.revoke_any_cookie"}),
)


def define(
    name: str = "__Host-basket", category: str = constants.NECESSARY, **attributes: Any
) -> CookieDefinition:
    """Put a cookie into the registry."""
    return services.define_cookie(
        name=name,
        category=category,
        purpose="What is in the basket.",
        attributes=Attributes(**{"max_age_s": 86_400, **attributes}),
        actor=STAFF,
    )


def issue(
    value: str = "what is behind it", *, name: str = "__Host-basket", **about: Any
) -> services.Handed:
    """Issue a cookie to ``user_id``, ``anonymous_id`` or nobody, as a service does."""
    who = {key: about.pop(key) for key in ("user_id", "anonymous_id") if key in about}
    return services.issue_cookie(
        order=services.Order(name=name, value=value, **about),
        subject=services.subject_of(SERVICE, **who),
        actor=SERVICE,
    )


def token_in(line: str) -> str:
    """Return the token that a ``Set-Cookie`` line carries."""
    return line.split(";", maxsplit=1)[0].split("=", 1)[1]


def resolve(token: str, *, name: str = "__Host-basket") -> services.Handed:
    """Use a cookie, as a service does."""
    return services.resolve_cookie(name=name, token=token, actor=SERVICE)


def agree(*categories: str, mechanism: str = constants.CONSENT_BANNER, **about: Any) -> Any:
    """Record a consent of ``user_id`` or ``anonymous_id`` to ``categories`` and to no others."""
    who = {key: about.pop(key) for key in ("user_id", "anonymous_id") if key in about}
    policy = selectors.current_policy() or services.publish_policy(text="We use.", actor=STAFF)
    choices = {category: category in categories for category in constants.CONSENT_CATEGORIES}
    said = services.Said(
        policy_version=policy.version, choices=choices, mechanism=mechanism, **about
    )
    return services.record_consent(
        subject=services.subject_of(SERVICE, **who), said=said, actor=SERVICE
    )
