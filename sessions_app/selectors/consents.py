"""Reading cookie policies and consents."""

from __future__ import annotations

from typing import Any

from core import clock
from core.pagination import Page, PageRequest, page_by_id
from sessions_app.models import ConsentRecord, ConsentSubject, PolicyVersion


def current_policy() -> PolicyVersion | None:
    """Return the policy that people are asked about now."""
    return PolicyVersion.objects.order_by("-version").first()


def newest_consent(subject: ConsentSubject) -> ConsentRecord | None:
    """Return what a subject said last, whichever policy it was about."""
    rows = ConsentRecord.objects.select_related("policy").filter(subject_id=subject.pk)
    return rows.order_by("-sequence").first()


def live_consent(subject: ConsentSubject | None) -> ConsentRecord | None:
    """Return what a subject said last, if it is about the current policy."""
    consent, policy = subject and newest_consent(subject), current_policy()
    return consent if consent and policy and consent.policy_id == policy.pk else None


def consents(subject: ConsentSubject | None, *, asked: PageRequest) -> Page[ConsentRecord]:
    """Return a page of what a subject said, newest first."""
    rows = ConsentRecord.objects.select_related("policy")
    rows = rows.filter(subject_id=subject.pk) if subject else rows.none()
    return page_by_id(rows, asked)


def facts_of_consent(record: ConsentRecord) -> dict[str, Any]:
    """Return what the hash of a record covers; nothing of it names a person."""
    return {
        "id": str(record.pk),
        "subject_id": str(record.subject_id),
        "sequence": record.sequence,
        "policy_version": record.policy.version,
        "policy_sha256": bytes(record.policy.text_sha256).hex(),
        "choices": record.choices,
        "mechanism": record.mechanism,
        "source": record.source,
        "gpc": record.gpc,
        "locale": record.locale,
        "client_network": record.client_network,
        "created_at": clock.as_rfc3339(record.created_at),
    }
