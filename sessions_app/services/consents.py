"""The consent ledger: policies published, choices recorded and taken back, people forgotten."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from typing import Any

from django.db import IntegrityError

from core import audit, client_address, clock, context, db, ids, outbox
from core.errors import PermissionRefused
from core.principals import Principal
from sessions_app import consent_chain, constants, selectors
from sessions_app.errors import (
    ConsentContradicts,
    ConsentMissing,
    PolicyChanged,
    PolicyMissing,
    SubjectRefused,
)
from sessions_app.models import ConsentRecord, ConsentSubject, Cookie, PolicyVersion
from sessions_app.services.subjects import Subject, consent_subject, locked_consent_subject


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody said: yes or no to each category, having been shown ``policy_version``."""

    policy_version: int
    choices: dict[str, bool]
    mechanism: str
    gpc: bool = False
    source: str = ""
    locale: str = ""


def publish_policy(*, text: str, actor: Principal) -> PolicyVersion:
    """Publish a new wording of the cookie policy; everybody is asked again.

    Commits its own transaction or joins the caller's.

    Raises:
        PermissionRefused: not staff who may manage cookies.
        PolicyChanged: somebody else published at the same moment.
    """
    if not actor.may("sessions_app.manage_cookies"):
        raise PermissionRefused("Only staff who manage cookies publish policies.")

    def publish() -> PolicyVersion:
        newest = selectors.current_policy()
        policy = PolicyVersion.objects.create(
            id=ids.uuid7(),
            version=newest.version + 1 if newest else 1,
            text=text,
            text_sha256=hashlib.sha256(text.encode()).digest(),
            published_by_id=actor.user_id,
            published_at=clock.now(),
        )
        audit.record(
            action="cookie_policy.publish",
            actor=actor,
            user_id=actor.user_id,
            target_type="cookie_policy",
            target_id=policy.pk,
            version=policy.version,
        )
        outbox.announce(topic="cookie_policy.published", user_id=actor.user_id, object_id=policy.pk)
        return policy

    try:
        return db.run_in_transaction(publish)
    except IntegrityError as exc:
        if db.violated_constraint(exc) != "cookie_policy_version_once":
            raise
        raise PolicyChanged("Another version was just published.") from exc


def record_consent(*, subject: Subject, said: Said, actor: Principal) -> ConsentRecord:
    """Write down what somebody agreed to and refused.

    Cookies in refused categories are revoked in the same commit. Commits its own transaction or
    joins the caller's.

    Raises:
        PolicyMissing, PolicyChanged: there is no policy, or another one than was shown.
        ConsentContradicts: a withdrawal, or the browser's signal, that agrees to something.
        SubjectRefused: nobody is named whose consent this is.
    """
    if subject.is_nobody:
        raise SubjectRefused("Name the person or visitor whose consent this is.")
    _require_consistent(said)
    policy = _shown_policy(said.policy_version)

    def record() -> ConsentRecord:
        row = locked_consent_subject(subject)
        made = ConsentRecord(
            id=ids.uuid7(),
            subject_id=row.pk,
            sequence=row.records + 1,
            policy=policy,
            choices=said.choices,
            mechanism=said.mechanism,
            source=said.source,
            gpc=said.gpc,
            locale=said.locale,
            client_network=client_address.network(context.current().client_address),
            created_at=clock.now(),
            previous_hash=row.head_hash,
        )
        made.hash = consent_chain.link_hash(bytes(row.head_hash), selectors.facts_of_consent(made))
        made.save(force_insert=True)
        ConsentSubject.objects.filter(pk=row.pk).update(records=made.sequence, head_hash=made.hash)
        _revoke_refused(row, said.choices)
        _tell(made, subject, actor)
        return made

    return db.run_in_transaction(record)


def require_consent(*, subject: Subject, category: str, gpc: bool) -> uuid.UUID | None:
    """Let a cookie of ``category`` be issued; return the row its consent hangs on.

    A marketing consent from before the browser asked not to be tracked does not count while it
    asks (Global Privacy Control).

    Raises:
        ConsentMissing: not agreed to, taken back, or agreed to an earlier policy.
    """
    if category == constants.NECESSARY:
        return None
    row = consent_subject(subject)
    consent = selectors.live_consent(row)
    agreed = consent is not None and consent.choices.get(category, False)
    if agreed and gpc and category == constants.MARKETING:
        agreed = consent is not None and consent.gpc
    if row is None or not agreed:
        raise ConsentMissing(f"There is no live consent to {category} cookies.", category=category)
    return row.pk


def forget_consents_of(*, user_id: uuid.UUID, **_facts: Any) -> None:
    """Make a person's consents the proof of a pseudonym; joins the caller's transaction.

    The records do not change: what says whose they are is emptied.
    """
    ConsentSubject.objects.filter(user_id=user_id).update(user_id=None)


def _require_consistent(said: Said) -> None:
    if set(said.choices) != set(constants.CONSENT_CATEGORIES):
        wanted = ", ".join(constants.CONSENT_CATEGORIES)
        raise ConsentContradicts(f"Say of each category yes or no: {wanted}.")
    if said.mechanism == constants.CONSENT_WITHDRAWAL and any(said.choices.values()):
        raise ConsentContradicts("A withdrawal agrees to nothing.")
    by_signal = said.mechanism == constants.CONSENT_GPC
    if by_signal and (said.choices[constants.MARKETING] or not said.gpc):
        raise ConsentContradicts("Global Privacy Control is on, and refuses marketing.")


def _shown_policy(version: int) -> PolicyVersion:
    policy = selectors.current_policy()
    if policy is None:
        raise PolicyMissing("Publish a cookie policy first.")
    if policy.version != version:
        raise PolicyChanged("Show the current policy and ask again.", version=policy.version)
    return policy


def _revoke_refused(row: ConsentSubject, choices: dict[str, bool]) -> None:
    refused = [category for category, agreed in choices.items() if not agreed]
    Cookie.objects.filter(
        subject_id=row.pk, revoked_at=None, definition__category__in=refused
    ).update(revoked_at=clock.now(), revoke_reason="consent_withdrawn")


def _tell(record: ConsentRecord, subject: Subject, actor: Principal) -> None:
    """Tell of the record; of a visitor only by their pseudonym."""
    about = subject.user_id or record.subject_id
    audit.record(
        action="consent.record",
        actor=actor,
        user_id=about,
        target_type="consent",
        target_id=record.pk,
        mechanism=record.mechanism,
    )
    outbox.announce(topic="consent.recorded", user_id=about, object_id=record.pk)
