"""Looking for consent records that were changed, moved, added or removed behind our back."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import Final

from django.db.models import OuterRef, Subquery

from sessions_app import consent_chain
from sessions_app.models import ConsentRecord, ConsentSubject, PolicyVersion
from sessions_app.selectors.consents import facts_of_consent

SUBJECTS_AT_ONCE: Final = 500


def consent_faults() -> Iterator[str]:
    """Compute every hash again; return a sentence for each fault, none when all is well.

    Reads chain by chain and locks nothing: a consent recorded meanwhile is no fault.
    """
    for policy in PolicyVersion.objects.order_by("version").iterator():
        if hashlib.sha256(policy.text.encode()).digest() != bytes(policy.text_sha256):
            yield f"policy {policy.version}: its text is not the one that was published"
    last = uuid.UUID(int=0)
    while subjects := list(
        ConsentSubject.objects.filter(pk__gt=last).order_by("pk")[:SUBJECTS_AT_ONCE]
    ):
        last = subjects[-1].pk
        for subject in subjects:
            yield from _chain_faults(subject)
    yield from _added()


def _chain_faults(subject: ConsentSubject) -> Iterator[str]:
    previous, number = consent_chain.FIRST, 0
    records = ConsentRecord.objects.select_related("policy").filter(
        subject_id=subject.pk, sequence__lte=subject.records
    )
    for record in records.order_by("sequence"):
        number += 1
        where = f"consent {record.pk}, number {record.sequence} of {subject.pk}"
        if record.sequence != number:
            yield f"{where}: number {number} is missing before it"
            return
        if bytes(record.previous_hash) != previous:
            yield f"{where}: it does not follow the record before it"
        if consent_chain.link_hash(previous, facts_of_consent(record)) != bytes(record.hash):
            yield f"{where}: it was changed"
        previous = bytes(record.hash)
    if number != subject.records:
        yield f"{subject.pk}: {subject.records - number} records are missing at the end"
    elif previous != bytes(subject.head_hash):
        yield f"{subject.pk}: the newest record is not the one that was written"


def _added() -> Iterator[str]:
    """Name records that no chain counts; record and count are written in one commit."""
    counted = ConsentSubject.objects.filter(pk=OuterRef("subject_id"))
    beyond = ConsentRecord.objects.filter(sequence__gt=Subquery(counted.values("records")))
    for record in beyond.order_by("pk").iterator():
        yield f"consent {record.pk}: {record.subject_id} never said it"
