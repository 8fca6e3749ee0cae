"""Every setting of the product, checked.

Each setting of the product is one field of :class:`Env`: name, type, unit, default and help in
one place; docs/configuration.md is made of them. :func:`load` collects every problem
before it fails, so an operator fixes them in one pass.

A value comes from, in this order: ``NAME``, the file named by ``NAME_FILE`` (a mounted secret), the
secret store (:mod:`config.secret_stores`), the local file that ``make run`` writes, the default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import given
from config.contradictions import contradictions
from config.env_backups import Backups
from config.env_observability import Observability
from config.env_secrets import Secrets
from config.env_values import has_default, parse, raw_value, setting

ENVIRONMENTS = ("development", "test", "staging", "production")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Env(Backups, Observability, Secrets):
    """Validated configuration. Durations carry their unit in the name."""

    environment: str = setting(
        "Which rules apply. Everything but development and test gets the production rules.",
        default="production",
        choices=ENVIRONMENTS,
    )
    secret_key: str = setting(
        "Signs cursors, CSRF tokens and one-time links; at least 50 characters.", secret=True
    )
    secret_key_fallbacks: list[str] = setting(
        "Earlier secret keys, comma separated, still accepted when checking a signature.",
        default=[],
        secret=True,
    )
    encryption_keys: list[str] = setting(
        "Keys for encryption at rest, comma separated, each `id:32 bytes in base64url`; the first "
        "one writes, all of them read.",
        secret=True,
    )
    database_url: str = setting(
        "PostgreSQL of the application role: postgresql://user:password@host:port/name; over a "
        "network with ?sslmode=verify-full&sslrootcert=FILE.",
        secret=True,
    )
    database_owner_url: str = setting(
        "PostgreSQL of the owner role, for migrations and partitions. Default: DATABASE_URL.",
        default="",
        secret=True,
    )
    redis_url: str = setting(
        "Valkey or Redis for caching: redis://, rediss:// or unix://. It may evict what it likes.",
        secret=True,
    )
    redis_state_url: str = setting(
        "Valkey or Redis for counting limits, with maxmemory-policy noeviction. Default: "
        "REDIS_URL, which should not evict then.",
        default="",
        secret=True,
    )
    host: str = setting("Address the web server listens on.", default="127.0.0.1")
    port: int = setting("Port the web server listens on.", default=8000, minimum=1)
    web_workers: int = setting("Web server processes.", default=2, minimum=1)
    web_threads: int = setting("Threads in each web server process.", default=8, minimum=1)
    allowed_hosts: list[str] = setting(
        "Host names this service answers to, comma separated.",
        default=["127.0.0.1", "localhost", "[::1]"],
    )
    public_url: str = setting(
        "Address people reach the service at; used in links.", default="http://127.0.0.1:8000"
    )
    account_pages_url: str = setting(
        "Where mailed links lead, such as https://shop.example/account. Empty: pages of our own "
        "below PUBLIC_URL.",
        default="",
    )
    csrf_trusted_origins: list[str] = setting(
        "Origins whose pages may send cookie-authenticated requests, comma separated.", default=[]
    )
    cors_allowed_origins: list[str] = setting(
        "Browser origins that may call the API, comma separated.", default=[]
    )
    admin_path: str = setting("Path of the staff admin, without slashes.", default="admin")
    security_contact: str = setting(
        "Where to report a hole, for security.txt: mailto:, https: or tel:.",
        default="mailto:security@strongroom.invalid",
    )
    trusted_proxy_count: int = setting(
        "Proxies in front whose X-Forwarded-For entries are believed.", default=0, minimum=0
    )
    db_pool_size_min: int = setting("Connections each process keeps open.", default=1, minimum=0)
    db_pool_size_max: int = setting("Connections each process may open.", default=10, minimum=1)
    db_pool_timeout_ms: int = setting(
        "How long a request waits for a free connection before it is answered 503.",
        default=1_000,
        minimum=1,
    )
    db_lock_timeout_ms: int = setting(
        "How long a statement waits for a row lock.", default=2_000, minimum=1
    )
    db_statement_timeout_ms: int = setting(
        "How long one statement may run.", default=5_000, minimum=1
    )
    request_deadline_ms: int = setting(
        "How long one request may take; X-Request-Timeout may lower it.", default=30_000, minimum=1
    )
    stream_deadline_ms: int = setting(
        "How long a streamed export may take; then it is cut off.", default=300_000, minimum=1
    )
    client_timeout_s: int = setting(
        "How long a client may pause while it sends a request.", default=10, minimum=1
    )
    stop_delay_s: int = setting(
        "How long a web process that is told to stop still takes work while /health/ready already "
        "says no. Longer than a balancer takes to notice that, and than nginx leaves an instance "
        "alone that has just come back: 3.",
        default=5,
        minimum=0,
    )
    worker_timeout_s: int = setting(
        "After how long without a sign of life a web process is replaced.", default=60, minimum=1
    )
    worker_concurrency: int = setting("Jobs a worker does at one time.", default=4, minimum=1)
    worker_stop_timeout_s: int = setting(
        "How long a worker that is told to stop waits for running jobs; then it gives them back.",
        default=25,
        minimum=1,
    )
    cache_ttls: list[str] = setting(
        "How many seconds values of a kind are kept, each `kind=seconds`; kinds that are not named "
        "live as long as `default`.",
        default=["default=3600", "user=300", "account=600", "reference=600", "external=60"],
    )
    cache_timeout_ms: int = setting(
        "How long a cache call may take before the database answers instead.",
        default=250,
        minimum=1,
    )
    session_idle_timeout_s: int = setting(
        "A session ends after this long without a request.", default=3_600, minimum=60
    )
    session_absolute_timeout_s: int = setting(
        "A session ends this long after login, whatever happens.", default=86_400, minimum=60
    )
    staff_session_idle_timeout_s: int = setting(
        "The same for the staff admin: idle.", default=900, minimum=60
    )
    staff_session_absolute_timeout_s: int = setting(
        "The same for the staff admin: absolute.", default=43_200, minimum=60
    )
    service_session_timeout_s: int = setting(
        "A session that a service begins with its key ends after this long.",
        default=3_600,
        minimum=60,
    )
    access_token_ttl_s: int = setting(
        "How long a bearer token works that a refresh token renews.", default=600, minimum=60
    )
    jwt_ttl_s: int = setting(
        "How long a JWT works that stands for a session at other services.",
        default=600,
        minimum=300,
    )
    jwt_audiences: list[str] = setting(
        "Names of the services a JWT may be made for, comma separated, beside PUBLIC_URL.",
        default=[],
    )
    refresh_idle_timeout_s: int = setting(
        "A session with a refresh token ends after this long without being used.",
        default=1_209_600,
        minimum=60,
    )
    refresh_absolute_timeout_s: int = setting(
        "A session with a refresh token ends this long after login, whatever happens.",
        default=2_592_000,
        minimum=60,
    )
    refresh_grace_s: int = setting(
        "For how long a refresh token that was just used is answered as before; 0 is strict and "
        "logs out whoever refreshes twice at once.",
        default=10,
        minimum=0,
    )
    limit_stranger_requests: int = setting(
        "Requests in 15 minutes from one address without a valid credential.",
        default=100,
        minimum=1,
    )
    limit_user_requests: int = setting(
        "Requests of one person in a minute.", default=1_200, minimum=1
    )
    limit_key_requests: int = setting(
        "Requests of one API key in a minute.", default=6_000, minimum=1
    )
    limit_money_requests: int = setting(
        "Requests of one caller that move money in a minute.", default=1_200, minimum=1
    )
    impersonation_timeout_s: int = setting(
        "Staff who act as a person must begin anew after this long.", default=1_800, minimum=60
    )
    session_retention_days: int = setting(
        "How long ended sessions are kept for the record.", default=30, minimum=1
    )
    upload_folder: str = setting(
        "Folder of the files people hand in; shared by all web processes, outside any web root.",
        default="var/uploads",
    )
    file_bytes_max: int = setting("Bytes one file may have.", default=10_485_760, minimum=1)
    file_quota_bytes: int = setting(
        "Bytes all files of one person may have together.", default=104_857_600, minimum=1
    )
    file_scan_command: list[str] = setting(
        "Scanner and its arguments, comma separated; run with the path of each new file. Exit 0 is "
        "clean, 1 infected, anything else refuses the file. Empty: files are not scanned.",
        default=[],
    )
    idempotency_retention_days: int = setting(
        "How long an Idempotency-Key is remembered.", default=30, minimum=1
    )
    audit_checkpoints: str = setting(
        "File that copies of the audit trail's seals go to: keep it where nobody who may change "
        "the database can.",
        default="var/journal/audit-seals.jsonl",
    )
    export_folder: str = setting(
        "Folder of the copies people ask for of their data; sealed, shared by web and worker.",
        default="var/exports",
    )
    export_lifetime_h: int = setting(
        "How many hours such a copy can be fetched.", default=24, minimum=1
    )
    deletion_grace_days: int = setting(
        "How many days people have to take their request for deletion back.",
        default=30,
        minimum=0,
    )
    erasure_journal: str = setting(
        "File that names who was erased, replayed after a restore: keep it on storage of its own, "
        "outside what is backed up with the database.",
        default="var/journal/erasures.jsonl",
    )
    outbound_private_networks: list[str] = setting(
        "Networks that are not public but may be called all the same, such as 10.0.8.0/24; "
        "plain http is allowed there, and only there.",
        default=[],
    )
    archive_folder: str = setting(
        "Folder that archived months are written to.", default="var/archive"
    )
    ledger_backdating_days_max: int = setting(
        "How many days back a transaction may take effect; imports are free of it.",
        default=366,
        minimum=0,
    )
    mail_transport: str = setting(
        "Where mails go: the output of the worker, files in MAIL_FOLDER, or a mail server. Mails "
        "carry one-time links, so production refuses console, whose output is a log.",
        default="console",
        choices=("console", "file", "smtp"),
    )
    mail_folder: str = setting("Folder of the file transport.", default="var/mail")
    mail_from: str = setting(
        "Sender of every mail.", default="Strongroom <no-reply@strongroom.invalid>"
    )
    smtp_url: str = setting(
        "Mail server: smtp://user:password@host:587 (STARTTLS) or smtps://...:465.",
        default="",
        secret=True,
    )
    step_up_max_age_s: int = setting(
        "How recent a login must be for routes that ask for a fresh one.", default=300, minimum=30
    )
    api_key_max_age_days: int = setting(
        "Older API keys are counted and reported, so that somebody rotates them.",
        default=90,
        minimum=1,
    )
    guesses_per_account_max: int = setting(
        "Wrong passwords or codes for one account before the next one has to wait.",
        default=10,
        minimum=1,
    )
    guesses_per_address_max: int = setting(
        "The same from one address (IPv6: one /64), whichever the account.", default=100, minimum=1
    )
    guess_period_s: int = setting(
        "Time in which all of these guesses are granted anew, one by one.", default=900, minimum=1
    )
    password_hashes_at_once: int = setting(
        "Passwords each web process hashes at one time; each takes 46 MiB.", default=2, minimum=1
    )
    password_hash_wait_ms: int = setting(
        "How long a login waits for its turn to be hashed before it is answered 503.",
        default=2_000,
        minimum=1,
    )
    staff_mfa: str = setting(
        "Whether staff need a second factor. Staging and production require it whatever this says.",
        default="optional",
        choices=("optional", "required"),
    )
    webauthn_rp_id: str = setting(
        "Domain that passkeys belong to; all its subdomains may use them. Empty: the host of "
        "PUBLIC_URL.",
        default="",
    )
    webauthn_origins: list[str] = setting(
        "Further origins whose pages may use passkeys, comma separated.", default=[]
    )
    breach_filter_file: str = setting(
        "Breached passwords, a file made by `manage.py breach_filter_build`. Empty: the list of "
        "common passwords that comes with Django.",
        default="",
    )
    step_up_amounts_minor: list[str] = setting(
        "Moving more than this in one request asks for a fresh login: ASSET:minor units, comma "
        "separated.",
        default=["USD:1000000", "EUR:1000000"],
    )
    metadata_indexed_keys: list[str] = setting(
        "Metadata keys that lists of transactions may be filtered by; `migrate` makes an index "
        "for each.",
        default=["order"],
    )
    default_asset: str = setting(
        "Everybody who registers gets a ledger account in this asset. Empty: nobody does.",
        default="USD",
    )
    password_length_min: int = setting(
        "Shortest password that is accepted, in characters.", default=15, minimum=8
    )

    def step_up_amounts(self) -> dict[str, int]:
        """Return the largest amounts that need no fresh login, by asset, in minor units."""
        pairs = (text.partition(":") for text in self.step_up_amounts_minor)
        return {asset: int(amount) for asset, _, amount in pairs}

    @property
    def is_production_like(self) -> bool:
        """Whether the strict rules of staging and production apply."""
        return self.environment in ("staging", "production")

    @property
    def requires_staff_mfa(self) -> bool:
        """Whether staff are staff only once they have proved two things."""
        return self.is_production_like or self.staff_mfa == "required"


def load(environ_: Mapping[str, str]) -> Env:
    """Read ``environ_`` into an :class:`Env`.

    Raises:
        ImproperlyConfigured: one message that lists every missing or malformed variable.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Env):
        name = field.name.upper()
        raw = raw_value(environ_, name, problems)
        if raw is None or (raw == "" and field.default is dataclasses.MISSING):
            if not has_default(field):
                problems.append(f"{name} is required: {field.metadata['about']}")
            continue
        try:
            values[field.name] = parse(field, raw)
        except ValueError as exc:
            problems.append(f"{name} {exc}")
    if not problems:
        env = Env(**values)
        problems.extend(contradictions(env))
        if not problems:
            return env
    raise ImproperlyConfigured("Configuration is not usable:\n  " + "\n  ".join(problems))


def load_process_environment() -> Env:
    """:func:`load` with all that this process is given."""
    return load(given.read_process_environment().merged())
