"""Bringing people in from elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib.auth.hashers import make_password

from accounts.models import User
from core import audit, ids
from core.principals import SYSTEM


def import_people(
    *, names: Sequence[str], domain: str, identifiers: Sequence[uuid.UUID] | None = None
) -> dict[str, uuid.UUID]:
    """Make a person of each name that is not known yet; nobody of them can log in.

    A person's e-mail is ``name@domain``. ``identifiers`` are their ids, when they must not be new
    ones each time, in the order of ``names``. Joins the caller's transaction. Returns ids by name.
    """
    emails = {f"{name}@{domain}".casefold(): name for name in names}
    known = dict(
        User.objects.filter(email_normalized__in=list(emails)).values_list("email_normalized", "pk")
    )
    fresh = dict(zip(emails, identifiers or ids.uuid7s(len(emails)), strict=True))
    missing = [email for email in emails if email not in known]
    made = [
        User(
            id=fresh[email],
            email=email,
            email_normalized=email,
            name=emails[email],
            password=make_password(None),
        )
        for email in missing
    ]
    User.objects.bulk_create(made, batch_size=1_000)
    if made:
        audit.record(
            action="account.import",
            actor=SYSTEM,
            user_id=SYSTEM.user_id,
            target_type="user",
            target_id=domain,
            people=len(made),
        )
    known.update({user.email_normalized: user.pk for user in made})
    return {name: known[email] for email, name in emails.items()}
