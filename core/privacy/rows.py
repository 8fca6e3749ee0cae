"""Which rows are a person's."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, models

from core.principals import HOUSE_USER_ID
from core.privacy import data_map
from core.privacy.data_map import Table
from core.privacy.errors import PersonUnknown


def rows_of(model: type[models.Model], table: Table, user_id: uuid.UUID) -> models.QuerySet[Any]:
    """Return the rows of a table that are this person's; none where rows are nobody's."""
    rows = model._base_manager.all()  # noqa: SLF001 - Django's documented Model API: no filter of ours
    if not table.whose:
        return rows.none()
    column = data_map.field_of(model, table.whose).attname
    if table.through:
        between, its_table = _mapped(table.through)
        theirs = rows_of(between, its_table, user_id).values("pk")
        return rows.filter(**{f"{column}__in": theirs})
    return rows.filter(**{column: user_id})


def require_person(user_id: uuid.UUID) -> None:
    """Let through the id of a person, closed accounts too.

    Raises:
        PersonUnknown: nobody has this id, or it is the house's.
    """
    if user_id == HOUSE_USER_ID or not get_user_model().objects.filter(pk=user_id).exists():
        raise PersonUnknown("There is no such person.")


def in_order_of_deletion() -> list[tuple[type[models.Model], Table]]:
    """Return the tables that hold people's rows, those that refer to others before them."""
    remaining = {
        model._meta.db_table: (model, table)  # noqa: SLF001 - as above
        for model, table in data_map.mapped_models()
        if table.whose
    }
    ordered: list[tuple[type[models.Model], Table]] = []
    references = _references()
    while remaining:
        referred = {target for source, target in references if source in remaining}
        free = [name for name in remaining if name not in referred] or list(remaining)[:1]
        ordered += [remaining.pop(name) for name in free]
    return ordered


def _references() -> set[tuple[str, str]]:
    """Return which table refers to which other, as the database knows it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT s.relname, t.relname FROM pg_constraint c "
            "JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid "
            "WHERE c.contype = 'f' AND s.oid <> t.oid"
        )
        return {(source, target) for source, target in cursor.fetchall()}


def _mapped(name: str) -> tuple[type[models.Model], Table]:
    return next(
        (model, table)
        for model, table in data_map.mapped_models()
        if model._meta.db_table == name  # noqa: SLF001 - as above
    )
