"""Roles and limits of people's accounts."""

from __future__ import annotations

from typing import Final

from core.scopes import Scope

EMAIL_LENGTH_MAX: Final = 254
NAME_LENGTH_MAX: Final = 200
USERNAME_LENGTH_MAX: Final = 32
# ASCII only: two names that look alike are the same name. No ``@``, so that no name is an address.
USERNAME: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{1,30})[A-Za-z0-9]"
LOCALE_LENGTH_MAX: Final = 16
LOCALE: Final = r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?"
LOCALE_DEFAULT: Final = "en"
REASON_LENGTH_MAX: Final = 500
METADATA_BYTES_MAX: Final = 16_384
PASSWORD_BYTES_MAX: Final = 1_024
# Enough where a second factor is enforced (NIST SP 800-63B-4, 3.1.1.2).
PASSWORD_LENGTH_MIN_WITH_MFA: Final = 8
# The one in use and those before it: none of them may be chosen again.
PASSWORDS_REMEMBERED: Final = 5
# What must be left of a password without the words that anybody would guess first.
PASSWORD_REST_LENGTH_MIN: Final = 8
CONTEXT_WORD_LENGTH_MIN: Final = 3
SERVICE_NAME: Final = "Strongroom"
SERVICE_WORDS: Final = (SERVICE_NAME,)

TOTP: Final = "totp"
PASSKEY: Final = "passkey"
RECOVERY_CODE: Final = "recovery_code"
FACTOR_KINDS: Final = [(TOTP, "Authenticator app"), (PASSKEY, "Passkey")]
FACTOR_LABEL_LENGTH_MAX: Final = 64
FACTORS_MAX: Final = 10
# A factor that was begun and not confirmed is forgotten.
FACTOR_PENDING_S: Final = 600
TOTP_STEP_S: Final = 30
TOTP_DIGITS: Final = 6
# Clocks of telephones are off by a little: the step before and the one after count too.
TOTP_STEPS_AROUND: Final = 1
RECOVERY_CODES: Final = 10
# 120 bits, which base32 writes without padding.
RECOVERY_CODE_BYTES: Final = 15
FACTOR_CODE_LENGTH_MAX: Final = 64
CHALLENGE_PREFIX: Final = "smc"
CHALLENGE_TTL_S: Final = 300
CHALLENGE_ATTEMPTS_MAX: Final = 5
LOGIN: Final = "login"
REAUTHENTICATION: Final = "reauthenticate"
PASSKEY_LOGIN: Final = "passkey"
CHALLENGE_PURPOSES: Final = [
    (LOGIN, "log in"),
    (REAUTHENTICATION, "log in afresh"),
    (PASSKEY_LOGIN, "log in with a passkey"),
]

IMPORT_ROWS_MAX: Final = 10_000
IMPORT_BODY_BYTES_MAX: Final = 8 * 1024 * 1024
IMPORT_CREATED: Final = "created"
IMPORT_KNOWN: Final = "known"
IMPORT_REFUSED: Final = "refused"
IMPORT_OUTCOMES: Final = (IMPORT_CREATED, IMPORT_KNOWN, IMPORT_REFUSED)
PASSWORD_HASH_LENGTH_MAX: Final = 400
STORED_PASSWORD_LENGTH_MAX: Final = 512

AUDIENCE_LENGTH_MAX: Final = 256
API_KEY_NAME_LENGTH_MAX: Final = 100
API_KEYS_PER_OWNER_MAX: Final = 100
API_KEY_LIFETIME_DAYS_MAX: Final = 365
API_KEY_SCOPES_MAX: Final = 64
API_KEY_NETWORKS_MAX: Final = 32
API_KEY_OVERLAP_S_MAX: Final = 7 * 86_400
API_KEY_OVERLAP_S_DEFAULT: Final = 86_400
# How often a key's last use is written, and how long a cached check is trusted; revocation does
# not wait for it.
API_KEY_USE_PRECISION_S: Final = 60
SCOPE_LENGTH_MAX: Final = 64

# What a one-time link is for, and how long it is good for.
VERIFY_EMAIL: Final = "verify_email"
RESET: Final = "reset"
CHANGE_EMAIL: Final = "change_email"
INVITE: Final = "invite"
PURPOSES: Final = (VERIFY_EMAIL, RESET, CHANGE_EMAIL, INVITE)
LINK_LIFETIME_S: Final = {
    VERIFY_EMAIL: 3 * 86_400,
    RESET: 3_600,
    CHANGE_EMAIL: 86_400,
    INVITE: 7 * 86_400,
}
# Whoever asks again within this time gets no second mail: nobody's mailbox is flooded through us,
# and nobody keeps a person's newest link from being used.
LINK_PAUSE_S: Final = 120
LINK_TOKEN_LENGTH_MAX: Final = 128
LINK_TOKEN_PREFIX: Final = "otl"  # noqa: S105 - what tokens start with, not one of them

PRIVACY: Final = "privacy"
TERMS: Final = "terms"
NOTICE_KINDS: Final = [(PRIVACY, "Privacy notice"), (TERMS, "Terms of use")]
NOTICE_LENGTH_MAX: Final = 100_000

PEOPLE_STATES: Final = ("active", "locked", "unverified")

ADMIN: Final = "admin"
OPERATOR: Final = "operator"
SUPPORT: Final = "support"
AUDITOR: Final = "auditor"

# What each role may do, by permission. Roles are Django groups, kept equal to this table by
# every ``manage.py migrate``. Nobody may change history: such permissions do not exist here.
_VIEW_IMPORTS: Final = ("accounts.view_importedrow", "accounts.view_peopleimport")
_VIEW_PEOPLE: Final = (
    "accounts.view_apikey",
    "accounts.view_notice",
    "accounts.view_noticeacceptance",
    "accounts.view_onetimetoken",
    "accounts.view_factor",
    "accounts.view_user",
    "sessions_app.view_refreshfamily",
    "sessions_app.view_session",
)
_VIEW_MONEY: Final = (
    "transactions.view_asset",
    "transactions.view_balance",
    "transactions.view_entryline",
    "transactions.view_exchange",
    "transactions.view_hold",
    "transactions.view_ledger",
    "transactions.view_ledgeraccount",
    "transactions.view_reconciliation",
    "transactions.view_reconciliationline",
    "transactions.view_seal",
    "transactions.view_snapshotline",
    "transactions.view_schedule",
    "transactions.view_transaction",
    "transactions.view_transactionnote",
)
_VIEW_COOKIES: Final = (
    "sessions_app.view_consentrecord",
    "sessions_app.view_consentsubject",
    "sessions_app.view_cookie",
    "sessions_app.view_cookiedefinition",
    "sessions_app.view_cookiejar",
    "sessions_app.view_jarcookie",
    "sessions_app.view_policyversion",
)
_VIEW_RECORDS: Final = (
    "core.view_auditchange",
    "core.view_auditevent",
    "core.view_auditseal",
    "core.view_circuitbreaker",
    "core.view_dataexport",
    "core.view_deletionrequest",
    "core.view_epoch",
    "core.view_goliveevidence",
    "core.view_legalhold",
    "core.view_montharchive",
    "core.view_limitplan",
    "core.view_measurement",
    "core.view_outboxevent",
    "core.view_personalkey",
    "core.view_report",
    "core.view_runtimesetting",
    "core.view_storedfile",
    "core.view_webhookdelivery",
    "core.view_webhookendpoint",
    "sessions_app.view_signingkey",
)

ROLE_PERMISSIONS: Final[dict[str, tuple[str, ...]]] = {
    ADMIN: (
        *_VIEW_PEOPLE,
        *_VIEW_COOKIES,
        *_VIEW_MONEY,
        *_VIEW_RECORDS,
        *_VIEW_IMPORTS,
        "accounts.add_apikey",
        "accounts.add_notice",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.delete_user",
        "accounts.help_user",
        "accounts.lock_user",
        "accounts.revoke_any_apikey",
        "auth.view_group",
        "core.add_legalhold",
        "core.add_limitplan",
        "core.change_legalhold",
        "core.change_limitplan",
        "core.delete_limitplan",
        "core.change_circuitbreaker",
        "core.change_report",
        "core.change_runtimesetting",
        "core.change_webhookdelivery",
        "core.change_webhookendpoint",
        "sessions_app.manage_cookies",
        "sessions_app.revoke_any_cookie",
        "sessions_app.impersonate_person",
        "sessions_app.revoke_any_session",
        "transactions.add_asset",
        "transactions.add_ledger",
        "transactions.add_ledgeraccount",
        "transactions.add_reconciliation",
        "transactions.change_ledgeraccount",
        "transactions.change_reconciliation",
        "transactions.post_any_transaction",
    ),
    OPERATOR: (
        *_VIEW_PEOPLE,
        *_VIEW_COOKIES,
        *_VIEW_MONEY,
        *_VIEW_RECORDS,
        "accounts.help_user",
        "accounts.lock_user",
        "core.change_circuitbreaker",
        "core.change_report",
        "core.change_webhookdelivery",
        "core.change_webhookendpoint",
        "accounts.revoke_any_apikey",
        "sessions_app.revoke_any_cookie",
        "sessions_app.revoke_any_session",
        "transactions.add_ledgeraccount",
        "transactions.add_reconciliation",
        "transactions.change_ledgeraccount",
        "transactions.change_reconciliation",
        "transactions.post_any_transaction",
    ),
    SUPPORT: (
        *_VIEW_PEOPLE,
        *_VIEW_COOKIES,
        *_VIEW_MONEY,
        "accounts.help_user",
        "core.change_report",
        "core.view_report",
        "sessions_app.revoke_any_cookie",
        "sessions_app.impersonate_person",
        "sessions_app.revoke_any_session",
    ),
    AUDITOR: (*_VIEW_PEOPLE, *_VIEW_IMPORTS, *_VIEW_COOKIES, *_VIEW_MONEY, *_VIEW_RECORDS),
}

ACCOUNT_READ: Final = "account:read"
USERS_IMPORT: Final = "users:import"
USERS_READ: Final = "users:read"
USERS_WRITE: Final = "users:write"
SCOPES: Final = (
    Scope(ACCOUNT_READ, "see its owner's account"),
    Scope(USERS_IMPORT, "bring people in from elsewhere", frozenset({"accounts.add_user"})),
    Scope(
        USERS_READ,
        "see everybody's account and where they are logged in",
        frozenset({"accounts.view_user", "sessions_app.view_session"}),
    ),
    Scope(
        USERS_WRITE,
        "invite, change, lock and help people",
        frozenset(
            {
                "accounts.add_user",
                "accounts.change_user",
                "accounts.help_user",
                "accounts.lock_user",
                "accounts.view_user",
            }
        ),
    ),
)
