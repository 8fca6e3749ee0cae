"""Is the database as closed as it should be? Each check is one query; each row it finds a fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
from django.apps import apps
from django.conf import settings
from psycopg import sql

from core.embedded.postgres import READONLY_ROLE
from core.privacy import data_map
from core.privacy.data_map import SECRET


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One thing that should be so; ``statement`` returns a row of one text for each fault."""

    name: str
    statement: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    check: str
    what: str


# {app} and {owner} are the roles as literals, %(history)s the tables that only grow.
SERVER: Final = (
    Check(
        "listens_everywhere",
        "SELECT 'listens on ' || setting || ': name the addresses that need it' FROM pg_settings "
        "WHERE name = 'listen_addresses' AND setting ~ '(^|,) *(\\*|0\\.0\\.0\\.0|::) *(,|$)'",
    ),
    Check(
        "no_tls",
        "SELECT 'takes connections over TCP without TLS: set ssl = on' FROM pg_settings s, "
        "pg_settings l WHERE s.name = 'ssl' AND s.setting = 'off' "
        "AND l.name = 'listen_addresses' AND l.setting <> ''",
    ),
    Check(
        "weak_password_hash",
        "SELECT 'new passwords are hashed with ' || setting || ': set scram-sha-256' "
        "FROM pg_settings WHERE name = 'password_encryption' AND setting <> 'scram-sha-256'",
    ),
    Check(
        "not_durable",
        "SELECT name || ' is off: a crash loses what was acknowledged' FROM pg_settings "
        "WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'",
    ),
    Check(
        "no_checksums",
        "SELECT 'pages have no checksums: damage is not seen' FROM pg_settings "
        "WHERE name = 'data_checksums' AND setting = 'off'",
    ),
    Check(
        "values_in_log",
        "SELECT 'log_statement = ' || setting || ' writes values into the log' FROM pg_settings "
        "WHERE name = 'log_statement' AND setting IN ('mod', 'all')",
    ),
    Check(
        "dangerous_extension",
        "SELECT 'extension ' || extname || ' reaches outside the database' FROM pg_extension "
        "WHERE extname IN ('dblink', 'file_fdw', 'adminpack', 'plpython3u', 'plperlu', 'pltclu')",
    ),
)
ROLES: Final = (
    Check(
        "too_many_superusers",
        "SELECT 'superuser ' || rolname || ' can log in' FROM pg_roles WHERE rolsuper "
        "AND rolcanlogin AND oid <> 10",
    ),
    Check(
        "application_too_mighty",
        "SELECT 'the application role has ' || what FROM pg_roles, LATERAL (VALUES "
        "(rolsuper, 'SUPERUSER'), (rolcreatedb, 'CREATEDB'), (rolcreaterole, 'CREATEROLE'), "
        "(rolreplication, 'REPLICATION'), (rolbypassrls, 'BYPASSRLS')) AS r (has, what) "
        "WHERE has AND rolname = {app}",
    ),
    Check(
        "owner_too_mighty",
        "SELECT 'the owner role is a superuser' FROM pg_roles WHERE rolsuper AND rolname = {owner}",
    ),
    Check(
        "one_role_for_all",
        "SELECT 'the application connects as the owner of its tables' WHERE {app} = {owner}",
    ),
    Check(
        "application_owns",
        "SELECT 'the application role owns ' || relname FROM pg_class "
        "WHERE relkind IN ('r', 'p', 'v') AND pg_get_userbyid(relowner) = {app} "
        "AND {app} <> {owner}",
    ),
    Check(
        "application_makes_tables",
        "SELECT 'the application role may create in schema public' "
        "WHERE has_schema_privilege({app}, 'public', 'CREATE') AND {app} <> {owner}",
    ),
)
RIGHTS: Final = (
    Check(
        "everybody_makes_tables",
        "SELECT 'everybody may create in schema public' FROM pg_namespace n, "
        "aclexplode(n.nspacl) a WHERE n.nspname = 'public' AND a.grantee = 0 "
        "AND a.privilege_type = 'CREATE'",
    ),
    Check(
        "everybody_reads",
        "SELECT 'everybody has ' || a.privilege_type || ' on ' || c.relname FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a "
        "WHERE n.nspname = 'public' AND a.grantee = 0",
    ),
    Check(
        "history_can_change",
        "SELECT 'the application role has ' || p || ' on ' || t FROM "
        "unnest(%(history)s::text[]) t, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) p "
        "WHERE to_regclass(quote_ident(t)) IS NOT NULL AND {app} <> {owner} "
        "AND has_table_privilege({app}, quote_ident(t), p)",
    ),
    Check(
        "past_the_triggers",
        "SELECT 'the application role may write to partition ' || c.relname FROM pg_class c "
        "WHERE c.relispartition AND c.relkind = 'r' AND {app} <> {owner} AND "
        "has_table_privilege({app}, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')",
    ),
    Check(
        "secrets_readable",
        "SELECT {readonly} || ' may read ' || t || '.' || c FROM unnest(%(tables)s::text[], "
        "%(columns)s::text[]) AS s (t, c) WHERE to_regclass(quote_ident(t)) IS NOT NULL "
        "AND EXISTS (SELECT FROM pg_roles WHERE rolname = {readonly}) "
        "AND has_column_privilege({readonly}, quote_ident(t), c, 'SELECT')",
    ),
    Check(
        "function_of_others",
        "SELECT 'function ' || proname || ' runs as its owner without a search_path of its own' "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE prosecdef "
        "AND n.nspname = 'public' AND NOT coalesce(array_to_string(proconfig, ','), '') "
        "LIKE '%%search_path%%'",
    ),
)
# Only a superuser may read these.
LOGINS: Final = (
    Check(
        "login_without_proof",
        "SELECT 'pg_hba.conf line ' || line_number || ' lets in by ' || auth_method "
        "FROM pg_hba_file_rules WHERE auth_method IN ('trust', 'password', 'md5', 'ident')",
    ),
    Check(
        "login_in_clear",
        "SELECT 'pg_hba.conf line ' || line_number || ' lets ' || address || ' in without TLS' "
        "FROM pg_hba_file_rules WHERE type IN ('host', 'hostnossl') AND auth_method <> 'reject' "
        "AND address NOT IN ('127.0.0.1', '::1', 'localhost', 'samehost')",
    ),
    Check(
        "old_password_hash",
        "SELECT 'the password of ' || rolname || ' is an MD5 hash' FROM pg_authid "
        "WHERE rolpassword LIKE 'md5%%'",
    ),
    Check(
        "no_password",
        "SELECT rolname || ' can log in and has no password' FROM pg_authid "
        "WHERE rolcanlogin AND rolpassword IS NULL",
    ),
)


def url_to_look_from(file: Path | None) -> str:
    """Return the URL that ``file`` holds, of a superuser; without one the owner's."""
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return settings.ENV.database_owner_url or settings.ENV.database_url


def findings_of_ours(connection: psycopg.Connection[Any]) -> tuple[list[Finding], list[str]]:
    """Return what :func:`findings` does, for the roles that the settings name."""
    roles = {name: settings.DATABASES[name]["USER"] for name in ("default", "owner")}
    return findings(connection, app_role=roles["default"], owner_role=roles["owner"])


def findings(
    connection: psycopg.Connection[Any], *, app_role: str, owner_role: str
) -> tuple[list[Finding], list[str]]:
    """Run every check that this connection's role may; return what it found and what it skipped."""
    found: list[Finding] = []
    is_superuser = connection.info.parameter_status("is_superuser") == "on"
    checks = [*SERVER, *ROLES, *RIGHTS, *(LOGINS if is_superuser else ())]
    for check in checks:
        found += _run(connection, check, app_role, owner_role)
    return found, [] if is_superuser else [check.name for check in LOGINS]


def _run(
    connection: psycopg.Connection[Any], check: Check, app_role: str, owner_role: str
) -> Iterator[Finding]:
    # Our own texts, to which only names of roles are added, as literals.
    statement = sql.SQL(check.statement).format(
        app=sql.Literal(app_role),
        owner=sql.Literal(owner_role),
        readonly=sql.Literal(READONLY_ROLE),
    )
    for (what,) in connection.execute(statement, _tables()):
        yield Finding(check.name, what)


def _tables() -> dict[str, list[str]]:
    secrets = [
        (name, column)
        for name, table in data_map.tables().items()
        for column in table.columns(SECRET)
    ]
    return {
        "history": [
            model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
            for model in apps.get_models()
            if getattr(model, "append_only", False) and not getattr(model, "is_view", False)
        ],
        "tables": [name for name, _ in secrets],
        "columns": [column for _, column in secrets],
    }
