"""About whom a caller may speak: itself, or, as a service, somebody it names."""

from __future__ import annotations

import dataclasses
import uuid

from django.db import connection

from accounts.models import User
from core import clock, crypto, ids
from core.principals import HOUSE_USER_ID, Principal
from sessions_app.errors import SubjectRefused
from sessions_app.models import ConsentSubject


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A person, a visitor by the id an application made up for them, or nobody in particular."""

    user_id: uuid.UUID | None = None
    anonymous_id: str | None = None

    @property
    def is_nobody(self) -> bool:
        """Whether there is nobody whose consent could be asked for."""
        return self.user_id is None and self.anonymous_id is None


def subject_of(
    actor: Principal, *, user_id: uuid.UUID | None = None, anonymous_id: str | None = None
) -> Subject:
    """Return about whom ``actor`` speaks.

    Only a service's key names others. Everybody else is their own subject, a guest by the id of
    their session.

    Raises:
        SubjectRefused: naming somebody that is not for the caller to name, both kinds of
            subject at once, or a person who is not there.
    """
    if actor.kind == "guest":
        own = Subject(anonymous_id=f"guest:{actor.user_id}")
    else:
        own = Subject(user_id=actor.user_id)
    is_service = actor.kind == "key" and actor.user_id == HOUSE_USER_ID
    if not is_service:
        if anonymous_id is not None or user_id not in (None, own.user_id):
            raise SubjectRefused("Only the key of a service names somebody else.")
        return own
    if user_id is not None and anonymous_id is not None:
        raise SubjectRefused("Name a person or a visitor, not both.")
    if user_id is not None and not _is_there(user_id):
        raise SubjectRefused("There is no such person, or their account is closed.")
    return Subject(user_id, anonymous_id)


def consent_subject(subject: Subject) -> ConsentSubject | None:
    """Return the row that a subject's consents hang on, if there is one yet."""
    rows = ConsentSubject.objects.all()
    if subject.user_id is not None:
        return rows.filter(user_id=subject.user_id).first()
    if subject.anonymous_id is not None:
        tags = [_tag(subject.anonymous_id, key_id) for key_id in crypto.key_ids()]
        return rows.filter(anonymous_tag__in=tags).order_by("id").first()
    return None


def locked_consent_subject(subject: Subject) -> ConsentSubject:
    """Return the row that a subject's consents hang on, made if needed and held until the commit.

    Joins the caller's transaction.
    """
    assert not subject.is_nobody, "the edge asks for one"
    known = consent_subject(subject)
    if known is None:
        _insert(subject)
        known = consent_subject(subject)
    assert known is not None
    return ConsentSubject.objects.select_for_update(of=("self",)).get(pk=known.pk)


def _insert(subject: Subject) -> None:
    """Add the row unless another request just did."""
    tag = _tag(subject.anonymous_id, crypto.current_key_id()) if subject.anonymous_id else None
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO consent_subject (id, user_id, anonymous_tag, records, head_hash, "
            "created_at) VALUES (%s, %s, %s, 0, %s, %s) ON CONFLICT DO NOTHING",
            [ids.uuid7(), subject.user_id, tag, bytes(32), clock.now()],
        )


def _is_there(user_id: uuid.UUID) -> bool:
    return user_id != HOUSE_USER_ID and User.objects.filter(pk=user_id, is_active=True).exists()


def _tag(anonymous_id: str, key_id: str) -> bytes:
    return crypto.tag(anonymous_id.encode(), purpose="consent-subject", key_id=key_id)
