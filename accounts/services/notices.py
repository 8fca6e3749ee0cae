"""Mails that tell a person what happened to their account."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from core import clock, context, mail


def tell(user: User, template: str, *, to: str = "", **facts: Any) -> None:
    """Queue the mail ``template`` for ``user``; it goes out if the transaction commits.

    Every mail knows when it happened, from which network address, and where one gets a new
    password. Nothing that others typed is in any of them: our mails carry nobody's message.
    """
    always = {
        "when": clock.now().strftime("%d %B %Y at %H:%M UTC"),
        "address": context.current().client_address,
        "link": mail.link_to("forgot-password"),
    }
    mail.enqueue(template=template, to=to or user.email, facts={**always, **facts})
