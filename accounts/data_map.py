"""What the tables of people's accounts hold."""

from __future__ import annotations

from typing import Final

from core.privacy.data_map import CLEAR, CONTRACT, DELETE, INTEREST, LAW, Table

TABLES: Final = {
    "users": Table(
        purpose="knowing who is who",
        basis=CONTRACT,
        retention="account",
        erasure=CLEAR,
        whose="id",
        personal=(
            "email email_normalized username username_normalized name locale public_metadata "
            "private_metadata lock_reason"
        ),
        secret="password",
        technical=(
            "id email_verified_at is_active locked_at deleted_at mfa_enforced is_staff "
            "has_one_time_password "
            "is_superuser session_epoch version created_at"
        ),
        replaced={
            "email": "{id}@erased.invalid",
            "email_normalized": "{id}@erased.invalid",
            "locale": "en",
            "password": "!erased",
        },
    ),
    "users_groups": Table(
        purpose="saying which role staff have",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        technical="id user_id group_id",
    ),
    "users_user_permissions": Table(
        purpose="saying what one member of staff may do beside their role",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        technical="id user_id permission_id",
    ),
    "api_key": Table(
        purpose="letting programs act for their owner",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        personal="name allowed_cidrs last_used_address",
        secret="secret_sha256",
        technical=(
            "id user_id scopes audience epoch created_by_id created_at expires_at last_used_at "
            "revoked_at revoke_reason replaced_by_id replaced_at overlap_until"
        ),
        doers="created_by_id",
        noise="last_used_at last_used_address",
    ),
    "factor": Table(
        purpose="second factors",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        personal="label",
        secret="seed_sealed credential_id public_key last_step sign_count",
        technical="id user_id kind transports is_backed_up created_at confirmed_at last_used_at",
        noise="last_step sign_count last_used_at",
    ),
    "recovery_code": Table(
        purpose="getting in without the other factors",
        basis=CONTRACT,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        secret="code_sha256",
        technical="id user_id created_at used_at",
    ),
    "challenge": Table(
        purpose="asking for a second factor",
        basis=CONTRACT,
        retention="links",
        erasure=DELETE,
        over="expires_at < %(before)s",
        whose="user_id",
        secret="token_sha256",
        technical=(
            "id user_id purpose epoch session_id attempts created_at expires_at answered_at"
        ),
        unaudited="Lives for five minutes; the login it leads to is recorded.",
    ),
    "one_time_token": Table(
        purpose="proving that somebody reads a mailbox",
        basis=CONTRACT,
        retention="links",
        erasure=DELETE,
        over="expires_at < %(before)s",
        whose="user_id",
        personal="payload",
        secret="token_sha256",
        technical="id user_id purpose created_at expires_at consumed_at",
    ),
    "password_before": Table(
        purpose="not taking an earlier password again",
        basis=INTEREST,
        retention="account",
        erasure=DELETE,
        whose="user_id",
        secret="password",
        technical="id user_id created_at",
    ),
    "people_import": Table(
        purpose="bringing people in from elsewhere",
        basis=CONTRACT,
        retention="imports",
        erasure=CLEAR,
        over="finished_at < %(before)s",
        whose="user_id",
        secret="rows_sealed",
        technical="id user_id total created_at finished_at",
        kept="rows_sealed",
        kept_because="Sealed, and gone once the import has run.",
    ),
    "people_import_row": Table(
        purpose="saying what became of each imported row",
        basis=CONTRACT,
        retention="imports",
        erasure=CLEAR,
        over="people_import_id IN (SELECT id FROM people_import WHERE finished_at < %(before)s)",
        whose="user_id",
        personal="detail",
        technical="id user_id people_import_id number outcome person_id code",
        withheld="person_id detail",
        withheld_because="They tell of whoever was brought in.",
    ),
    "notice": Table(
        purpose="knowing what people were told",
        retention="consents",
        technical="id kind version text published_by_id published_at",
    ),
    "notice_acceptance": Table(
        purpose="proving who agreed to which words",
        basis=LAW,
        retention="consents",
        whose="user_id",
        personal="client_network",
        technical="id user_id notice_id at_registration accepted_at",
        kept="client_network",
        kept_because="The proof of a pseudonym; the network is cut so that it names no one.",
    ),
}
