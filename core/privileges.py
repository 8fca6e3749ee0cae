"""What the application role may do: read and add everywhere, change only what may change.

Rights are given on parent tables alone, never on partitions, and never by default privileges: a
table nobody thought of stays closed.
"""

from __future__ import annotations

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.db.models import Model
from psycopg import sql

from core.embedded.postgres import READONLY_ROLE
from core.privacy import data_map
from core.privacy.data_map import SECRET


def grant_application_role() -> str | None:
    """Give the role of ``DATABASE_URL`` its rights on every table of the models.

    Runs as the owner role, idempotent. Returns the role's name, or ``None`` when the application
    connects as the owner itself, where triggers alone protect history.
    """
    role = settings.DATABASES["default"]["USER"]
    if role == settings.DATABASES["owner"]["USER"]:
        return None
    with connections["owner"].cursor() as cursor:
        grantee = sql.Identifier(role)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(grantee))
        for table, rights in _rights().items():
            cursor.execute(
                sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(sql.Identifier(table), grantee)
            )
            cursor.execute(
                sql.SQL("GRANT {} ON TABLE {} TO {}").format(
                    sql.SQL(rights), sql.Identifier(table), grantee
                )
            )
        cursor.execute(
            sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(grantee)
        )
    return str(role)


def grant_readonly_role() -> str | None:
    """Let the role for looking read every column but those that hold secrets.

    Runs as the owner role, idempotent. Returns the role's name, or ``None`` where there is none.
    """
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [READONLY_ROLE])
        if cursor.fetchone() is None:
            return None
        grantee = sql.Identifier(READONLY_ROLE)
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(grantee))
        for model in data_map.all_models():
            table = model._meta.db_table  # noqa: SLF001 - Django's documented Model._meta API
            shown = set(data_map.columns_of(model)) - set(data_map.table(table).columns(SECRET))
            cursor.execute(
                sql.SQL("REVOKE ALL ON TABLE {table} FROM {grantee}; ").format(
                    table=sql.Identifier(table), grantee=grantee
                )
                + sql.SQL("GRANT SELECT ({columns}) ON TABLE {table} TO {grantee}").format(
                    columns=sql.SQL(", ").join(map(sql.Identifier, sorted(shown))),
                    table=sql.Identifier(table),
                    grantee=grantee,
                )
            )
    return READONLY_ROLE


def _rights() -> dict[str, str]:
    """Map each table to the rights the application role needs on it."""
    rights = {"django_migrations": "SELECT"}
    for model in apps.get_models(include_auto_created=True):
        rights[model._meta.db_table] = _rights_on(model)  # noqa: SLF001 - Django's documented Model._meta API
    return rights


def _rights_on(model: type[Model]) -> str:
    if getattr(model, "is_view", False):
        return "SELECT"
    if getattr(model, "append_only", False):
        return "SELECT, INSERT"
    if getattr(model, "never_deleted", False):
        return "SELECT, INSERT, UPDATE"
    return "SELECT, INSERT, UPDATE, DELETE"
