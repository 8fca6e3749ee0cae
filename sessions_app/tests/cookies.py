"""Jars and cookies for tests."""

from __future__ import annotations

import uuid

from core.principals import Principal
from sessions_app import services

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
