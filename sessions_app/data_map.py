"""What the tables of sessions, cookies and consents hold."""

from __future__ import annotations

from typing import Final

from core.privacy.data_map import CONSENT, CONTRACT, DELETE, LAW, Table

_SESSIONS: Final = {
    "session": Table(
        purpose="keeping people logged in",
        basis=CONTRACT,
        retention="sessions",
        erasure=DELETE,
        over="least(expires_at, revoked_at) < %(before)s",
        whose="user_id",
        personal="client_address user_agent data impersonation_reason",
        secret="token_sha256",
        technical=(
            "id user_id kind assurance_level epoch authenticated_at last_seen_at idle_timeout_s "
            "expires_at revoked_at revoke_reason token_expires_at impersonator_id cookie_id "
            "api_key_id impersonator_session_id data_version created_at"
        ),
        doers="impersonator_id",
        of_doers="impersonator_session_id impersonation_reason client_address user_agent",
        noise="last_seen_at client_address data data_version token_expires_at token_sha256",
    ),
    "refresh_family": Table(
        purpose="keeping a session up",
        basis=CONTRACT,
        retention="sessions",
        erasure=DELETE,
        over=(
            "session_id IN (SELECT id FROM session "
            "WHERE least(expires_at, revoked_at) < %(before)s)"
        ),
        whose="user_id",
        secret="current_sha256 previous_sha256",
        technical=(
            "id user_id session_id key_id generation rotated_at expires_at revoked_at "
            "reuse_detected_at created_at"
        ),
        noise="current_sha256 previous_sha256 generation rotated_at key_id",
    ),
    "signing_key": Table(
        purpose="signing tokens for other services",
        retention="service",
        secret="private_sealed",
        technical="id state public_key created_at activated_at replaced_at retired_at",
    ),
}
_COOKIES: Final = {
    "cookie_definition": Table(
        purpose="the register of cookies",
        retention="service",
        technical=(
            "id name category purpose domain path secure http_only same_site partitioned "
            "max_age_s is_active version created_at"
        ),
    ),
    "cookie": Table(
        purpose="remembering a device, or what an application asked to remember",
        basis=CONSENT,
        retention="cookies",
        erasure=DELETE,
        over="least(expires_at, revoked_at) < %(before)s",
        whose="user_id",
        personal="client_address user_agent",
        secret="current_sha256 previous_sha256 value_sealed",
        technical=(
            "id user_id definition_id kind subject_id session_id generation key_id rotated_at "
            "expires_at revoked_at revoke_reason created_at"
        ),
        noise="current_sha256 previous_sha256 generation rotated_at key_id",
    ),
    "cookie_jar": Table(
        purpose="keeping the cookies of other sites for a program",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        personal="label",
        technical="id user_id created_at",
    ),
    "jar_cookie": Table(
        purpose="keeping the cookies of other sites for a program",
        basis=CONTRACT,
        retention="cookies",
        erasure=DELETE,
        over="expires_at < %(before)s",
        whose="user_id",
        personal="name domain path partition",
        secret="identity_sha256 value_sealed",
        technical=(
            "id user_id jar_id host_only secure http_only same_site expires_at created_at "
            "accessed_at"
        ),
        unaudited="What a browser keeps; it changes with every page a program reads.",
    ),
}
_CONSENTS: Final = {
    "cookie_policy_version": Table(
        purpose="knowing what was agreed to",
        retention="consents",
        technical="id version text text_sha256 published_by_id published_at",
    ),
    "consent_subject": Table(
        purpose="hanging the consents of one person or visitor together",
        basis=LAW,
        retention="consents",
        whose="user_id",
        secret="anonymous_tag head_hash",
        technical="id user_id records created_at",
        kept="anonymous_tag head_hash",
        kept_because="A pseudonym's: erasing a person empties user_id, and nothing leads back.",
    ),
    "consent_record": Table(
        purpose="proving consent",
        basis=LAW,
        retention="consents",
        whose="subject_id",
        through="consent_subject",
        personal="choices locale client_network",
        secret="previous_hash hash",
        technical="id subject_id sequence policy_id mechanism source gpc created_at",
        kept="choices locale client_network previous_hash hash",
        kept_because="The proof of a pseudonym; the network is cut so that it names no one.",
        unaudited="Append-only and chained: it is its own record.",
    ),
}
TABLES: Final = {**_SESSIONS, **_COOKIES, **_CONSENTS}
