"""What the tables of core, and those of the libraries it brings, hold."""

from __future__ import annotations

from typing import Final

from core.privacy.data_map import CLEAR, CONTRACT, DELETE, INTEREST, LAW, Table

_RECORDS: Final = {
    "audit_event": Table(
        purpose="proving who did what",
        basis=LAW,
        retention="audit",
        whose="user_id",
        personal="client_address data",
        technical=(
            "id user_id actor_id actor_kind impersonator_id session_id action target_type "
            "target_id outcome request_id recorded_at"
        ),
        kept="client_address data",
        doers="actor_id impersonator_id",
        of_doers="session_id client_address data",
        kept_because="History that could be rewritten would prove nothing; it names people by id.",
        unaudited="It is the audit trail.",
    ),
    "audit_change": Table(
        purpose="proving what changed, when, and by whom",
        basis=LAW,
        retention="audit",
        whose="user_id",
        personal="client_address reason before after",
        technical=(
            "id user_id actor_id actor_kind impersonator_id session_id request_id table_name "
            "row_id operation database_role recorded_at"
        ),
        kept="client_address reason before after",
        kept_because=(
            "History that could be rewritten would prove nothing; before and after hold no "
            "personal value."
        ),
        doers="actor_id impersonator_id",
        of_doers="session_id client_address reason",
        withheld="before after",
        withheld_because="They show no personal value, and may name staff.",
        unaudited="It is the audit trail.",
    ),
    "audit_seal": Table(
        purpose="proving that the audit trail is what it was",
        retention="audit",
        technical="id trail number rows last_id members key_id mac sealed_at",
        unaudited="Append-only, and chained under a key.",
    ),
    "outbox_event": Table(
        purpose="telling other systems what happened",
        basis=CONTRACT,
        retention="audit",
        whose="user_id",
        technical="id user_id topic object_id payload recorded_at traceparent",
        unaudited="Append-only; each row tells of a change that has a row of its own.",
    ),
    "idempotency_key": Table(
        purpose="answering a repeated request as the first time",
        basis=CONTRACT,
        retention="requests",
        erasure=DELETE,
        over="created_at < %(before)s",
        whose="user_id",
        personal="body",
        technical="user_id key_hash fingerprint status object_id created_at",
        unaudited="A copy of an answer; what it answered has audit rows.",
    ),
    "stored_file": Table(
        purpose="keeping what people hand in",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        personal="name sha256",
        secret="stored_as",
        technical="id user_id media_type size_bytes created_at",
    ),
    "report": Table(
        purpose="hearing from people how the service does",
        basis=INTEREST,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        personal="message context answer",
        technical="id user_id kind about_request state created_at changed_at",
    ),
    "month_archive": Table(
        purpose="finding what was archived",
        retention="ledger",
        technical="id month first_id end_id folder manifest archived_at restored_at",
    ),
    "epoch": Table(
        purpose="ordering commits across restores",
        retention="ledger",
        technical="number system_identifier timeline began_at",
        unaudited="Append-only, and nobody's deed.",
    ),
}
_WEBHOOKS: Final = {
    "webhook_endpoint": Table(
        purpose="telling an endpoint what happened",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        personal="url description",
        secret="secret_sealed previous_secret_sealed",
        technical=(
            "id user_id topics sees_all batch_size is_enabled disabled_reason previous_until "
            "busy_until version created_at"
        ),
        noise="busy_until",
    ),
    "webhook_delivery": Table(
        purpose="trying again until an endpoint has heard",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        personal="payload_redacted",
        technical=(
            "id user_id endpoint_id event_id topic batch_id state attempts next_attempt_at "
            "first_failed_at last_failed_at last_fault delivered_at attempts_log created_at"
        ),
        unaudited="A log of tries by machines; what staff do to it is recorded by the services.",
    ),
    "webhook_relay": Table(
        purpose="remembering what was handed out",
        retention="service",
        technical="name epoch xid event_id",
        unaudited="A position that moves every few seconds.",
    ),
}
_OPERATIONS: Final = {
    "limit_plan": Table(
        purpose="bounding how often anybody may ask",
        retention="service",
        technical="scope requests window_s changed_at",
    ),
    "runtime_setting": Table(
        purpose="changing settings while the service runs",
        retention="service",
        technical="name value changed_at",
    ),
    "traffic_count": Table(
        purpose="showing staff how much is asked",
        retention="service",
        technical="minute method route status code took_ms requests",
        unaudited="Counts of machines.",
    ),
    "measurement": Table(
        purpose="showing staff what jobs measured",
        retention="service",
        technical="name value detail measured_at",
        unaudited="Numbers of machines.",
    ),
    "golive_evidence": Table(
        purpose="knowing whether the service may go live",
        basis=INTEREST,
        retention="service",
        personal="by",
        technical="id item kind has_passed note recorded_at expires_at",
        unaudited="Append-only: it is a record.",
    ),
    "circuit_breaker": Table(
        purpose="letting a failing destination rest",
        retention="service",
        technical="destination failures open_until probe_until last_fault changed_at",
        unaudited="Counted by machines; a reset by staff is recorded by the service.",
    ),
}
_PRIVACY: Final = {
    "data_export": Table(
        purpose="handing people their data",
        basis=LAW,
        retention="exports",
        erasure=DELETE,
        over="expires_at < %(before)s",
        whose="user_id",
        secret="stored_as",
        technical="id user_id state rows size_bytes created_at finished_at expires_at",
    ),
    "personal_key": Table(
        purpose="making what is sealed about a person unreadable at once",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        secret="key_sealed",
        technical="id user_id created_at",
    ),
    "deletion_request": Table(
        purpose="deleting accounts when their owners ask",
        basis=LAW,
        retention="audit",
        whose="user_id",
        technical="id user_id asked_at due_at cancelled_at erased_at",
    ),
    "legal_hold": Table(
        purpose="keeping what a court or authority asks for",
        basis=LAW,
        retention="audit",
        whose="user_id",
        personal="reason",
        technical="id user_id placed_by_id placed_at ended_by_id ended_at",
        kept="reason",
        kept_because="It is why an erasure waited.",
        doers="placed_by_id ended_by_id",
        of_doers="reason",
    ),
}
_LIBRARIES: Final = {
    "django_admin_log": Table(
        purpose="Django's own record of what staff did by form",
        basis=INTEREST,
        retention="audit",
        erasure=CLEAR,
        whose="user_id",
        personal="object_repr change_message",
        technical="id action_time user_id content_type_id object_id action_flag",
        withheld="object_id object_repr change_message",
        withheld_because="They name those whom a member of staff worked on.",
        unaudited="It is a record of changes.",
    ),
    "auth_permission": Table(
        purpose="naming what staff may do",
        retention="service",
        technical="id name content_type_id codename",
        unaudited="Written by migrations alone.",
    ),
    "auth_group_permissions": Table(
        purpose="saying what a role may do",
        retention="service",
        technical="id group_id permission_id",
    ),
    "auth_group": Table(purpose="naming roles", retention="service", technical="id name"),
    "django_content_type": Table(
        purpose="naming tables",
        retention="service",
        technical="id app_label model",
        unaudited="Written by migrations alone.",
    ),
    **{
        f"procrastinate_{name}": Table(
            purpose="running jobs; what they know of people is sealed",
            retention="service",
            technical=columns,
            unaudited="The queue's own machinery.",
        )
        for name, columns in (
            ("workers", "id last_heartbeat"),
            (
                "jobs",
                "id queue_name task_name priority lock args status scheduled_at attempts "
                "queueing_lock abort_requested worker_id",
            ),
            ("events", "id job_id type at"),
            ("periodic_defers", "id task_name defer_timestamp job_id periodic_id"),
        )
    },
}
TABLES: Final = {**_RECORDS, **_WEBHOOKS, **_OPERATIONS, **_PRIVACY, **_LIBRARIES}
