"""What is wrong with settings only when they are read together, or in production."""

from __future__ import annotations

import ipaddress
import itertools
import re
import urllib.parse
from typing import TYPE_CHECKING, Final

from core import encryption_keys

if TYPE_CHECKING:
    from config.env import Env  # it asks this module about itself

SECRET_KEY_LENGTH_MIN: Final = 50
_OURSELVES: Final = ("localhost", "127.0.0.1", "::1")


def contradictions(env: Env) -> list[str]:
    """Return every problem, in words for whoever runs this."""
    signing = {"SECRET_KEY": [env.secret_key], "SECRET_KEY_FALLBACKS": env.secret_key_fallbacks}
    problems = [
        f"{name} must have at least {SECRET_KEY_LENGTH_MIN} characters"
        for name, keys in signing.items()
        if any(len(key) < SECRET_KEY_LENGTH_MIN for key in keys)
    ]
    if (env.mail_transport == "smtp") != bool(env.smtp_url):
        problems.append("MAIL_TRANSPORT=smtp and SMTP_URL belong together")
    try:
        encryption_keys.parse_keys(env.encryption_keys)
    except ValueError as exc:
        problems.append(f"ENCRYPTION_KEYS: {exc}")
    problems.extend(
        f"STEP_UP_AMOUNTS_MINOR: {text!r} is not like USD:1000000"
        for text in env.step_up_amounts_minor
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,15}:[0-9]{1,18}", text)
    )
    problems.extend(
        f"METADATA_INDEXED_KEYS: {key!r} is not like order_number"
        for key in env.metadata_indexed_keys
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", key)
    )
    problems.extend(_url_problems(env))
    ordered_ms = [
        ("DB_LOCK_TIMEOUT_MS", env.db_lock_timeout_ms),
        ("DB_STATEMENT_TIMEOUT_MS", env.db_statement_timeout_ms),
        ("REQUEST_DEADLINE_MS", env.request_deadline_ms),
        ("WORKER_TIMEOUT_S", env.worker_timeout_s * 1_000),
    ]
    for (shorter, short_ms), (longer, long_ms) in itertools.pairwise(ordered_ms):
        if short_ms >= long_ms:
            problems.append(f"{shorter} must be shorter than {longer}")
    for smaller, larger in (
        ("db_pool_size_min", "db_pool_size_max"),
        ("session_idle_timeout_s", "session_absolute_timeout_s"),
        ("refresh_idle_timeout_s", "refresh_absolute_timeout_s"),
    ):
        if getattr(env, smaller) > getattr(env, larger):
            problems.append(f"{smaller.upper()} must not be above {larger.upper()}")
    if env.is_production_like:
        problems.extend(_unsafe_in_production(env))
    return problems


_POSTGRESQL, _VALKEY = ("postgresql", "postgres"), ("redis", "rediss", "unix")
_SCHEMES = {
    "database_url": _POSTGRESQL,
    "database_owner_url": _POSTGRESQL,
    "redis_url": _VALKEY,
    "redis_state_url": _VALKEY,
}
_TAKEN_PATHS = frozenset({"api", "health", "metrics", "problems", "static"})


def _url_problems(env: Env) -> list[str]:
    problems = []
    for network in env.outbound_private_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            problems.append(f"OUTBOUND_PRIVATE_NETWORKS: {network!r} is not a network")
    for name, schemes in _SCHEMES.items():
        url = getattr(env, name)
        if url and urllib.parse.urlsplit(url).scheme not in schemes:
            listed = " or ".join(f"{scheme}://" for scheme in schemes)
            problems.append(f"{name.upper()} must start with {listed}")
    if urllib.parse.urlsplit(env.security_contact).scheme not in ("mailto", "https", "tel"):
        problems.append("SECURITY_CONTACT must start with mailto:, https: or tel:")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64})*", env.admin_path):
        problems.append("ADMIN_PATH must be words of letters, digits, - and _, joined by /")
    elif env.admin_path.split("/")[0] in _TAKEN_PATHS:
        problems.append(f"ADMIN_PATH must not begin with {env.admin_path.split('/')[0]}")
    return problems


def _unsafe_in_production(env: Env) -> list[str]:
    problems = []
    if "*" in env.allowed_hosts:
        problems.append("ALLOWED_HOSTS must name hosts, not *, in production")
    if not env.public_url.startswith("https://"):
        problems.append("PUBLIC_URL must start with https:// in production")
    if env.mail_transport == "console":
        problems.append("MAIL_TRANSPORT must not be console in production: it logs one-time links")
    if "*" in env.cors_allowed_origins:
        problems.append("CORS_ALLOWED_ORIGINS must name origins, not *, in production")
    problems.extend(
        f"{name.upper()} must say sslmode=verify-full in production: it leads over a network"
        for name in ("database_url", "database_owner_url", "database_backup_url")
        if _is_overheard(getattr(env, name))
    )
    return problems


def _is_overheard(url: str) -> bool:
    """Whether others may read what goes to a database, or answer in its place."""
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.parse_qs(parts.query)
    host = query.get("host", [parts.hostname or ""])[0]
    is_here = not host or host.startswith("/") or host in _OURSELVES
    return not is_here and query.get("sslmode") != ["verify-full"]
